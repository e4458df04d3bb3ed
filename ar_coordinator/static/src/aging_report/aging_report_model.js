// What the aged receivables screen knows: the options, the table for them, the open items of unfolded rows, the tie-out.
// Options live in the page and its address only: nothing on the server, so nobody changes another user's screen.
import { reactive } from "@odoo/owl";
import { KeepLast } from "@web/core/utils/concurrency";

export const PAGE_SIZE = 80;
export const DEFAULT_OPTIONS = {
    as_of: false, // false: today in the company's time zone
    age_at: false, // false: as_of
    basis: "due",
    bucket_limits: [30, 60, 90, 120],
    group_by: "partner",
    partner_ids: [],
    company_ids: [], // empty: the companies switched on
    order: "name",
    offset: 0,
};

const isDate = (text) => /^\d{4}-\d\d-\d\d$/.test(text);
const readIds = (text) => String(text).split("-").map(Number).filter(Number.isInteger);

/** Options as flat texts for the address bar; what is at its default is left out. */
export function optionsToUrl(options) {
    const list = (values) => (values.length ? values.join("-") : undefined);
    const changed = (name) => (options[name] !== DEFAULT_OPTIONS[name] ? options[name] : undefined);
    const limits = list(options.bucket_limits);
    return {
        as_of: options.as_of || undefined,
        age_at: options.age_at || undefined,
        basis: changed("basis"),
        limits: limits === list(DEFAULT_OPTIONS.bucket_limits) ? undefined : limits,
        group: changed("group_by"),
        customers: list(options.partner_ids),
        companies: list(options.company_ids),
        order: changed("order")?.replace(" ", "-"),
        offset: options.offset || undefined,
    };
}

/** The options in an address; what cannot be one is left at its default. */
export function optionsFromUrl(state) {
    const options = {};
    for (const name of ["as_of", "age_at"]) {
        if (isDate(state[name])) {
            options[name] = state[name];
        }
    }
    for (const [key, name] of [["limits", "bucket_limits"], ["customers", "partner_ids"], ["companies", "company_ids"]]) {
        if (state[key]) {
            options[name] = readIds(state[key]);
        }
    }
    if (["due", "invoice"].includes(state.basis)) {
        options.basis = state.basis;
    }
    if (state.group) {
        options.group_by = String(state.group);
    }
    if (state.order) {
        options.order = String(state.order).replace("-", " ");
    }
    if (Number.isInteger(state.offset)) {
        options.offset = state.offset;
    }
    return options;
}

export class AgingReportModel {
    constructor(orm, options = {}, unfolded = []) {
        this.orm = orm;
        this.keepLast = new KeepLast();
        this.keepLastTieOut = new KeepLast();
        this.options = { ...DEFAULT_OPTIONS, ...options };
        this.data = null; // result of get_data, without the tie-out
        this.tieOut = null; // result of get_tie_out; null while it is computed
        this.tieOutSubject = null; // what it was computed for
        this.loading = false;
        this.unfolded = {}; // row id -> { items, loading }
        this.toUnfold = unfolded;
    }

    /** A reactive model: components that use it render again when it changes. */
    static create(...args) {
        return reactive(new AgingReportModel(...args));
    }

    /** Options for the server; `extra` wins. */
    serverOptions(extra = {}) {
        const { partner_ids, company_ids, ...options } = this.options;
        if (partner_ids.length) {
            options.partner_ids = [...partner_ids];
        }
        if (company_ids.length) {
            options.company_ids = [...company_ids];
        }
        return { ...options, bucket_limits: [...options.bucket_limits], ...extra };
    }

    /** Change options and load; when the server refuses them, the screen stays as it was. */
    async update(patch) {
        const previous = this.options;
        this.options = { ...previous, offset: 0, ...patch };
        try {
            await this.load();
        } catch (error) {
            this.options = previous;
            throw error;
        }
    }

    async load() {
        this.loading = true;
        try {
            const call = this.orm.call("ar.aging.report", "get_data", [
                this.serverOptions({ limit: PAGE_SIZE, tie_out: false }),
            ]);
            this.data = await this.keepLast.add(call);
        } finally {
            this.loading = false;
        }
        if (!this.data.rows.length && this.data.row_count) {
            this.options = { ...this.options, offset: 0 }; // the page asked for no longer exists
            return this.load();
        }
        this.unfolded = {};
        const toUnfold = this.toUnfold === true ? this.data.rows.map((row) => row.id) : this.toUnfold;
        this.toUnfold = [];
        await Promise.all(
            this.data.rows.filter((row) => toUnfold.includes(row.id)).map((row) => this.toggle(row))
        );
    }

    /** Compare with the general ledger; called after the table is there, as it may take longer. Sorting, paging and
     *  grouping leave the result as it is. */
    async loadTieOut() {
        const { partner_ids, company_ids } = this.options;
        const subject = JSON.stringify([this.data.as_of, partner_ids, company_ids]);
        if (this.tieOut && subject === this.tieOutSubject) {
            return;
        }
        this.tieOutSubject = subject;
        this.tieOut = null;
        const options = this.serverOptions({ as_of: this.data.as_of, age_at: this.data.age_at, offset: 0 });
        this.tieOut = await this.keepLastTieOut.add(
            this.orm.call("ar.aging.report", "get_tie_out", [options])
        );
    }

    /** Unfold or fold a row; its items are fetched when they are first seen. */
    async toggle(row) {
        if (this.unfolded[row.id]) {
            delete this.unfolded[row.id];
        } else {
            this.unfolded[row.id] = { items: [], loading: false };
            await this.loadItems(row);
        }
    }

    async loadItems(row) {
        const unfolded = this.unfolded[row.id];
        unfolded.loading = true;
        try {
            const items = await this.orm.call("ar.aging.report", "get_items", [
                this.serverOptions({
                    as_of: this.data.as_of,
                    age_at: this.data.age_at,
                    group_id: row.id,
                    limit: PAGE_SIZE,
                    offset: unfolded.items.length,
                }),
            ]);
            unfolded.items.push(...items);
        } finally {
            unfolded.loading = false;
        }
    }

    get unfoldedIds() {
        return this.data ? this.data.rows.map((row) => row.id).filter((id) => this.unfolded[id]) : [];
    }
}
