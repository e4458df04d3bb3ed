// Choose the customer a payment is from: those it may be from, with what speaks for each, or any other by search.
import { Component, onWillStart, useState } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";
import { KeepLast } from "@web/core/utils/concurrency";
import { useAutofocus, useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";

export class CustomerDialog extends Component {
    static template = "ar_coordinator.CashCustomerDialog";
    static components = { Dialog };
    static props = {
        kind: String,
        sourceId: Number,
        currencyId: Number,
        payer: String,
        onSelect: Function,
        close: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.title = _t("Who paid?");
        useAutofocus({ refName: "search" });
        this.state = useState({ search: "", customers: [], cursor: 0, loading: false });
        this.onSearch = useDebounced(() => this.load(), 250);
        onWillStart(() => this.load());
    }

    async load() {
        this.state.loading = true;
        try {
            const customers = await this.keepLast.add(
                this.orm.call("ar.cash.desk", "find_customers", [this.props.kind, this.props.sourceId, this.state.search])
            );
            Object.assign(this.state, { customers, cursor: 0 });
        } finally {
            this.state.loading = false;
        }
    }

    onInput(ev) {
        this.state.search = ev.target.value;
        this.onSearch();
    }

    onKeydown(ev) {
        const step = { ArrowDown: 1, ArrowUp: -1 }[ev.key];
        const { customers, cursor } = this.state;
        if (step) {
            this.state.cursor = Math.max(0, Math.min(customers.length - 1, cursor + step));
        } else if (ev.key === "Enter" && customers[cursor]) {
            this.select(customers[cursor]);
        } else {
            return;
        }
        ev.preventDefault();
        ev.stopPropagation();
    }

    select(customer) {
        this.props.close();
        return this.props.onSelect(customer.id);
    }
}
