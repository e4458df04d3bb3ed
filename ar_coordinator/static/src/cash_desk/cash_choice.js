// What a user ticks for one payment: items, amounts, discounts, and the difference that is left. Plain JavaScript.
// All amounts are whole numbers of the currency's smallest unit, so that 0.1 + 0.2 is 0.3.

/** Whole smallest units of an amount. */
export function toUnits(value, digits) {
    return Math.round(value * 10 ** digits);
}

export class CashChoice {
    /**
     * @param {Object} data what ar.cash.desk's get_items returned
     * @param {number} digits decimal places of the currency
     */
    constructor(data, digits) {
        this.digits = digits;
        this.data = data;
        this.received = toUnits(data.receipt.amount, digits);
        this.isTransaction = data.receipt.kind === "transaction";
        this.items = data.items.map((item) => ({
            ...item,
            residual: toUnits(item.residual, digits),
            discount: toUnits(item.discount, digits),
            amount: toUnits(item.amount, digits),
            discountChosen: toUnits(item.discount_chosen, digits),
        }));
        for (const item of this.items.filter(({ chosen }) => chosen)) {
            this.setAmount(item, item.amount); // what is open may be less by now
        }
        this.action = data.rest_action || false; // chosen, else by default
        this.reasonId = data.rest_reason_id || false;
    }

    value(units) {
        return units / 10 ** this.digits;
    }

    get chosen() {
        return this.items.filter((item) => item.chosen);
    }

    get ticked() {
        return this.chosen.reduce((sum, item) => sum + item.amount, 0);
    }

    /** Above zero: money that nothing is ticked for. Below zero: what the money is too little by. */
    get difference() {
        return this.received - this.ticked;
    }

    /** What something has to happen with: the difference, or what the ticked items are not paid by. */
    get rest() {
        if (this.difference > 0) {
            return this.difference;
        }
        const parts = this.chosen.filter((item) => item.amount > 0);
        return this.difference - parts.reduce((sum, item) => sum + item.residual - item.discountChosen - item.amount, 0);
    }

    // Items -------------------------------------------------------------------

    toggle(item) {
        if (item.chosen) {
            Object.assign(item, { chosen: false, amount: 0, discountChosen: 0 });
        } else {
            const takesDiscount = item.discount && this.difference === item.residual - item.discount;
            item.chosen = true;
            item.discountChosen = takesDiscount ? item.discount : 0;
            item.amount = item.residual - item.discountChosen;
        }
        this.action = false;
    }

    toggleDiscount(item) {
        item.discountChosen = item.discountChosen ? 0 : item.discount;
        item.chosen = true;
        item.amount = item.residual - item.discountChosen;
        this.action = false;
    }

    /** Returns whether the amount was possible as it was; else it is the nearest that is. */
    setAmount(item, units) {
        const most = item.residual - item.discountChosen;
        const amount = most < 0 ? Math.max(Math.min(units, 0), most) : Math.min(Math.max(units, 0), most);
        item.chosen = amount !== 0;
        item.amount = amount;
        if (!item.chosen) {
            item.discountChosen = 0;
        }
        return amount === units;
    }

    clear() {
        for (const item of this.chosen) {
            this.toggle(item);
        }
    }

    // What remains ------------------------------------------------------------

    /** Ticked items in another currency than the payment's. */
    get foreign() {
        return this.chosen.filter((item) => item.item_currency_id);
    }

    /** Whether the difference may be one of exchange rates: no further from the rate of the day than the company allows. */
    get mayBeRate() {
        const worth = this.foreign.reduce((sum, item) => sum + item.residual, 0);
        const most = Math.max(worth * this.data.defaults.rates, this.foreign.length);
        return Boolean(worth && this.isTransaction && Math.abs(this.rest) <= most);
    }

    get actions() {
        const { short_actions, over_actions } = this.data;
        const possible = this.rest > 0 ? over_actions : this.rest < 0 ? short_actions : [];
        const allowed = { fee: this.isTransaction, rate: this.mayBeRate };
        return possible.filter(({ value }) => allowed[value] ?? true);
    }

    /** What one unit of an item's currency is worth in the payment's, as it is applied. */
    rate(item) {
        const worth = this.foreign.reduce((sum, { residual }) => sum + residual, 0);
        const off = this.restAction === "rate" ? (this.rest * item.residual) / worth : 0;
        return this.value(item.residual + off) / item.item_residual;
    }

    get restAction() {
        const values = this.actions.map(({ value }) => value);
        if (!values.length || values.includes(this.action)) {
            return values.length ? this.action : false;
        }
        const { short, over, small } = this.data.defaults;
        if (values.includes("rate")) {
            return "rate";
        }
        const isSmall = this.rest < 0 && -this.rest <= toUnits(small, this.digits);
        const usual = this.rest > 0 ? over : isSmall ? "write_off" : short;
        return values.includes(usual) ? usual : values[0];
    }

    get restReasonId() {
        return this.restAction === "dispute" ? this.reasonId || this.data.defaults.reason_id : false;
    }

    /** The ticked items that are not paid in full, and by how much: as typed, then the last ones. */
    get leftOpen() {
        let missing = Math.max(-this.difference, 0);
        const left = [];
        for (const item of [...this.chosen].reverse().filter(({ amount }) => amount > 0)) {
            const units = Math.min(missing, item.amount);
            missing -= units;
            const open = units + item.residual - item.discountChosen - item.amount;
            if (open) {
                left.unshift({ item, units: open });
            }
        }
        return left;
    }

    get canApply() {
        if (!this.data.can_apply) {
            return false;
        }
        return Boolean(this.chosen.length || (this.isTransaction && this.data.partner));
    }

    /** What the server wants. */
    get lines() {
        return this.chosen.map((item) => ({
            id: item.id,
            amount: this.value(item.amount),
            discount: this.value(item.discountChosen),
        }));
    }
}
