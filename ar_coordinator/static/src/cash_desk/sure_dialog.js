// "Apply all above x %": says how many and how much, applies them step by step, and says what was not applied and why.
import { Component, onWillStart, useEffect, useRef, useState } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";
import { KeepLast } from "@web/core/utils/concurrency";
import { useAutofocus, useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";
import { formatMonetary } from "@web/views/fields/formatters";

const STEP = 50; // as in models/ar_cash_desk.py
const LOWEST = 50;

export class SureDialog extends Component {
    static template = "ar_coordinator.CashSureDialog";
    static components = { Dialog };
    static props = { threshold: Number, options: Object, onApplied: Function, close: Function };

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.title = _t("Apply what is sure");
        useAutofocus({ refName: "apply" });
        const close = useRef("close");
        useEffect(
            (phase) => phase === "done" && void close.el?.focus(),
            () => [this.state.phase]
        );
        this.state = useState({
            threshold: this.props.threshold,
            found: null, // what would be applied
            phase: "ask", // ask, work, done
            tried: 0,
            applied: 0,
            totals: {}, // of what was applied, per currency
            failed: [],
            skipped: 0,
            stopped: false,
        });
        this.onThreshold = useDebounced(() => this.load(), 250);
        onWillStart(() => this.load());
    }

    get isValid() {
        const { threshold } = this.state;
        return threshold >= LOWEST && threshold <= 100;
    }

    async load() {
        if (!this.isValid) {
            return;
        }
        this.state.found = await this.keepLast.add(
            this.orm.call("ar.cash.desk", "get_sure", [this.state.threshold, this.props.options])
        );
    }

    onInput(ev) {
        this.state.threshold = Number(ev.target.value);
        this.state.found = null;
        this.onThreshold();
    }

    money(amount, currencyId) {
        return formatMonetary(amount, { currencyId });
    }

    get foundText() {
        const { count, totals } = this.state.found;
        const amounts = totals.map((total) => this.money(total.amount, total.currency_id)).join(" + ");
        return count === 1
            ? _t("1 payment of %s will be applied.", amounts)
            : _t("%(count)s payments of %(amounts)s in all will be applied.", { count, amounts });
    }

    get resultText() {
        const amounts = Object.entries(this.state.totals)
            .map(([currencyId, amount]) => this.money(amount, Number(currencyId)))
            .join(" + ");
        const { applied } = this.state;
        if (!applied) {
            return _t("Nothing was applied.");
        }
        return applied === 1
            ? _t("1 payment of %s was applied.", amounts)
            : _t("%(count)s payments of %(amounts)s in all were applied.", { count: applied, amounts });
    }

    async apply() {
        const { ids } = this.state.found;
        this.state.phase = "work";
        try {
            for (let start = 0; start < ids.length && !this.state.stopped; start += STEP) {
                const step = ids.slice(start, start + STEP);
                const result = await this.orm.call("ar.cash.desk", "apply_sure", [step, this.state.threshold]);
                this.props.onApplied(result.applied);
                this.state.tried += step.length;
                this.state.applied += result.applied.length;
                this.state.skipped += result.skipped;
                this.state.failed.push(...result.failed);
                for (const { currency_id, amount } of result.totals) {
                    this.state.totals[currency_id] = (this.state.totals[currency_id] || 0) + amount;
                }
            }
        } finally {
            this.state.phase = "done";
        }
    }

    get share() {
        return Math.round((100 * this.state.tried) / (this.state.found.ids.length || 1));
    }

    stop() {
        this.state.stopped = true;
    }
}
