// What happened with a customer, newest first: filtered by kind, a page at a time.
import { Component, onWillStart, onWillUpdateProps, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { formatMonetary } from "@web/views/fields/formatters";

export class CustomerTimeline extends Component {
    static template = "ar_coordinator.CustomerTimeline";
    static props = {
        partnerId: Number,
        companyId: Number,
        version: Number, // read again when it changes
        onOpen: Function, // entry
    };

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({ kinds: [], entries: [], chosen: [], hasMore: false, loading: false });
        onWillStart(() => this.load(this.props));
        onWillUpdateProps((props) => {
            const { partnerId, companyId, version } = this.props;
            if (props.partnerId !== partnerId || props.companyId !== companyId || props.version !== version) {
                this.load(props);
            }
        });
    }

    async load({ partnerId, companyId } = this.props, offset = 0) {
        this.state.loading = true;
        try {
            const page = await this.keepLast.add(
                this.orm.call("ar.customer.sheet", "get_timeline", [
                    partnerId, companyId, this.state.chosen.length ? [...this.state.chosen] : null, offset,
                ])
            );
            this.state.kinds = page.kinds;
            this.state.entries = offset ? [...this.state.entries, ...page.entries] : page.entries;
            this.state.hasMore = page.has_more;
        } finally {
            this.state.loading = false;
        }
    }

    toggle(kind) {
        const { chosen } = this.state;
        this.state.chosen = chosen.includes(kind) ? chosen.filter((one) => one !== kind) : [...chosen, kind];
        return this.load();
    }

    more() {
        return this.load(this.props, this.state.entries.length);
    }

    icon(entry) {
        return this.state.kinds.find(({ key }) => key === entry.kind).icon;
    }

    kindLabel(entry) {
        return this.state.kinds.find(({ key }) => key === entry.kind).label;
    }

    date(entry) {
        return entry.date ? formatDate(deserializeDate(entry.date.slice(0, 10))) : "";
    }

    time(entry) {
        return entry.date.slice(11, 16);
    }

    money(entry) {
        return entry.amount === null ? "" : formatMonetary(entry.amount, { currencyId: entry.currency_id });
    }
}
