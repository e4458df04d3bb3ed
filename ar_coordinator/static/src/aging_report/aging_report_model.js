// What the aged receivables screen knows: the options, the table for them, what is unfolded, the tie-out, saved filters.
// Options live in the page and its address; the columns a user chose stay in his browser, saved filters on the server.
import { reactive } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { KeepLast } from "@web/core/utils/concurrency";

export const PAGE_SIZE = 80;
export const REPORT = "ar.aging.report";
export const DEFAULT_LIMITS = { days: [30, 60, 90, 120], months: [1, 2, 3, 4], calendar: [1, 2, 3, 4] };
export const FILTERS = [
    "collector_ids", "salesperson_ids", "country_ids", "tag_ids", "risk_class_ids", "credit_group_ids", "account_ids",
    "currency_ids",
];
export const DEFAULT_OPTIONS = {
    as_of: false, // false: today in the company's time zone
    age_at: false, // false: as_of
    compare_to: false,
    basis: "due",
    bucket_by: "days",
    bucket_limits: DEFAULT_LIMITS.days,
    group_by: ["partner"],
    amounts_in: "company",
    columns: null, // null: the usual ones
    partner_ids: [],
    company_ids: [], // empty: the companies switched on
    ...Object.fromEntries(FILTERS.map((name) => [name, []])),
    order: "name",
    offset: 0,
};
// columns that rows are sorted by only while they are shown
const COLUMNS_TO_CHOOSE = [
    "on_hold", "oldest_days", "average_days", "last_payment", "last_payment_amount", "limit", "limit_used",
];
const COLUMNS_KEY = "ar_coordinator.aging.columns";
const MOST_TO_UNFOLD_AGAIN = 20;

const isDate = (text) => /^\d{4}-\d\d-\d\d$/.test(text);
const readIds = (text) => String(text).split("-").map(Number).filter(Number.isInteger);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const URL_LISTS = {
    limits: "bucket_limits",
    customers: "partner_ids",
    companies: "company_ids",
    ...Object.fromEntries(FILTERS.map((name) => [name.replace("_ids", "s"), name])),
};
const URL_TEXTS = { basis: "basis", unit: "bucket_by", in: "amounts_in" };

/** Options as flat texts for the address bar; what is at its default is left out. */
export function optionsToUrl(options) {
    const changed = (name) => (same(options[name], DEFAULT_OPTIONS[name]) ? undefined : options[name]);
    const url = {
        as_of: options.as_of || undefined,
        age_at: options.age_at || undefined,
        compare: options.compare_to || undefined,
        group: changed("group_by")?.join("-"),
        order: changed("order")?.replace(" ", "-"),
        offset: options.offset || undefined,
    };
    for (const [key, name] of Object.entries(URL_LISTS)) {
        url[key] = changed(name)?.join("-");
    }
    for (const [key, name] of Object.entries(URL_TEXTS)) {
        url[key] = changed(name);
    }
    return url;
}

/** The options in an address; what cannot be one is left at its default. */
export function optionsFromUrl(state) {
    const options = {};
    for (const [key, name] of [["as_of", "as_of"], ["age_at", "age_at"], ["compare", "compare_to"]]) {
        if (isDate(state[key])) {
            options[name] = state[key];
        }
    }
    for (const [key, name] of Object.entries(URL_LISTS)) {
        if (state[key] !== undefined && state[key] !== "") {
            options[name] = readIds(state[key]);
        }
    }
    for (const [key, name] of Object.entries(URL_TEXTS)) {
        if (state[key]) {
            options[name] = String(state[key]);
        }
    }
    if (state.group) {
        options.group_by = String(state.group).split("-").slice(0, 2);
    }
    if (state.order) {
        options.order = String(state.order).replace("-", " ");
    }
    if (Number.isInteger(state.offset)) {
        options.offset = state.offset;
    }
    return options;
}

function readColumns() {
    try {
        const columns = JSON.parse(browser.localStorage.getItem(COLUMNS_KEY));
        return Array.isArray(columns) && columns.length ? columns : null;
    } catch {
        return null; // no columns were kept, or not by this screen
    }
}

export class AgingReportModel {
    constructor(orm, options = {}, unfolded = []) {
        this.orm = orm;
        this.keepLast = new KeepLast();
        this.keepLastTieOut = new KeepLast();
        this.options = this.complete({ columns: readColumns(), ...options });
        this.data = null; // result of get_data, without the tie-out
        this.choices = null; // result of get_choices
        this.filters = []; // saved ones: own and shared
        this.filterId = false; // the saved filter that was chosen
        this.tieOut = null; // result of get_tie_out; null while it is computed
        this.tieOutSubject = null; // what it was computed for
        this.loading = false;
        this.unfolded = {}; // key of a row -> { rows, row_count, items, loading }
        this.toUnfold = unfolded;
    }

    /** A reactive model: components that use it render again when it changes. */
    static create(...args) {
        return reactive(new AgingReportModel(...args));
    }

    complete(options) {
        const complete = { ...DEFAULT_OPTIONS, ...options };
        if (typeof complete.group_by === "string") {
            complete.group_by = [complete.group_by];
        }
        if (!options.bucket_limits) {
            complete.bucket_limits = DEFAULT_LIMITS[complete.bucket_by] || DEFAULT_LIMITS.days;
        }
        return complete;
    }

    /** Options for the server; `extra` wins. */
    serverOptions(extra = {}) {
        const options = { ...this.options };
        for (const name of ["partner_ids", "company_ids", ...FILTERS]) {
            if (!options[name].length) {
                delete options[name];
            }
        }
        for (const name of ["compare_to", "columns"]) {
            if (!options[name]) {
                delete options[name];
            }
        }
        return JSON.parse(JSON.stringify({ ...options, ...extra }));
    }

    /** Options of the table on the screen: its very dates, also when the day has changed meanwhile. */
    shownOptions(extra = {}) {
        return this.serverOptions({ as_of: this.data.as_of, age_at: this.data.age_at, ...extra });
    }

    /** Change options and load; when the server refuses them, the screen stays as it was. */
    async update(patch) {
        const previous = this.options;
        this.options = { ...previous, offset: 0, ...patch };
        const { key } = this.order;
        const columns = this.options.columns || [];
        const isGone =
            /^b\d/.test(key) ? "bucket_limits" in patch || "bucket_by" in patch
            : key === "change" ? !this.options.compare_to
            : COLUMNS_TO_CHOOSE.includes(key) && !columns.includes(key);
        if (isGone) {
            this.options.order = "name";
        }
        if (same([previous.group_by, previous.amounts_in, previous.offset],
                [this.options.group_by, this.options.amounts_in, this.options.offset])) {
            const keys = Object.keys(this.unfolded);
            this.toUnfold = keys.length <= MOST_TO_UNFOLD_AGAIN ? keys : [];
        }
        try {
            await this.load();
        } catch (error) {
            this.options = previous;
            throw error;
        }
    }

    get order() {
        const [key, direction = "asc"] = this.options.order.split(" ");
        return { key, direction };
    }

    /** Columns for the user from now on; null: the usual ones. */
    async setColumns(columns) {
        await this.update({ columns });
        if (columns) {
            browser.localStorage.setItem(COLUMNS_KEY, JSON.stringify(columns));
        } else {
            browser.localStorage.removeItem(COLUMNS_KEY);
        }
    }

    async load() {
        this.loading = true;
        try {
            const call = this.orm.call(REPORT, "get_data", [this.serverOptions({ limit: PAGE_SIZE, tie_out: false })]);
            this.data = await this.keepLast.add(call);
        } finally {
            this.loading = false;
        }
        if (!this.data.rows.length && this.data.row_count) {
            this.options = { ...this.options, offset: 0 }; // the page asked for no longer exists
            return this.load();
        }
        this.unfolded = {};
        const toUnfold = this.toUnfold;
        this.toUnfold = [];
        await this.unfoldAgain(this.data.rows, [], toUnfold === true || toUnfold.map(String));
    }

    /** Unfold rows by their keys (true: all of the first level), level by level. */
    async unfoldAgain(rows, path, keys) {
        if (!keys.length && keys !== true) {
            return;
        }
        const lines = rows.map((row) => this.rowLine(row, path)).filter(({ key }) => keys === true || keys.includes(key));
        await Promise.all(lines.map((line) => this.toggle(line)));
        if (keys !== true) {
            await Promise.all(
                lines.map((line) => this.unfoldAgain(this.unfolded[line.key]?.rows || [], line.path, keys))
            );
        }
    }

    // Unfolding ---------------------------------------------------------------

    rowLine(row, path) {
        const own = [...path, row.id || 0];
        const key = own.join("/") + (row.currency_id ? `:${row.currency_id}` : "");
        return { type: "row", key, path: own, level: path.length, row };
    }

    /** What the table shows from top to bottom: rows, what they unfold to, and buttons for more. */
    get lines() {
        const lines = [];
        const add = (rows, path) => {
            for (const row of rows) {
                const line = this.rowLine(row, path);
                const inside = this.unfolded[line.key];
                lines.push({ ...line, unfolded: Boolean(inside) });
                if (!inside) {
                    continue;
                }
                lines.push({ ...line, type: "breakdown", key: `${line.key} breakdown` });
                add(inside.rows, line.path);
                for (const item of inside.items) {
                    lines.push({ ...line, type: "item", key: `${line.key} item ${item.id}`, item, level: line.level + 1 });
                }
                const left = (inside.row_count || row.item_count) - inside.rows.length - inside.items.length;
                if (inside.loading || left > 0) {
                    lines.push({ ...line, type: inside.loading ? "loading" : "more", key: `${line.key} more`, left });
                }
            }
        };
        add(this.data.rows, []);
        return lines;
    }

    /** Unfold or fold a row; what is inside is fetched when it is first seen. */
    async toggle(line) {
        if (this.unfolded[line.key]) {
            for (const key of Object.keys(this.unfolded)) {
                if (key === line.key || key.startsWith(`${line.key.split(":")[0]}/`)) {
                    delete this.unfolded[key];
                }
            }
        } else {
            this.unfolded[line.key] = { rows: [], row_count: 0, items: [], loading: false };
            await this.loadMore(line);
        }
    }

    foldAll() {
        this.unfolded = {};
    }

    /** Options for what is inside a row. */
    insideOptions(line, extra = {}) {
        const own = line.row?.currency_id ? { currency_ids: [line.row.currency_id] } : {};
        return this.shownOptions({ group_ids: line.path, ...own, ...extra });
    }

    async loadMore(line) {
        const inside = this.unfolded[line.key];
        inside.loading = true;
        try {
            if (line.path.length < this.options.group_by.length) {
                const offset = inside.rows.length;
                const data = await this.orm.call(REPORT, "get_data", [
                    this.insideOptions(line, { limit: PAGE_SIZE, offset, tie_out: false }),
                ]);
                inside.rows.push(...data.rows);
                inside.row_count = data.row_count;
            } else {
                const offset = inside.items.length;
                inside.items.push(...(await this.orm.call(REPORT, "get_items", [
                    this.insideOptions(line, { limit: PAGE_SIZE, offset }),
                ])));
            }
        } finally {
            inside.loading = false;
        }
    }

    get unfoldedKeys() {
        return Object.keys(this.unfolded);
    }

    /** The unfolded rows as the files take them. */
    get unfoldedPlaces() {
        return this.unfoldedKeys.map((key) => {
            const [path, currency] = key.split(":");
            return { path: path.split("/").map(Number), currency_id: Number(currency) || false };
        });
    }

    // Tie-out -----------------------------------------------------------------

    /** Compare with the general ledger; called after the table is there, as it may take longer. Sorting, paging and
     *  grouping leave the result as it is. */
    async loadTieOut() {
        if (this.data.is_restricted) {
            return; // who sees a part of the ledger cannot be told its difference
        }
        const { partner_ids, company_ids } = this.options;
        const filters = FILTERS.map((name) => this.options[name]);
        const subject = JSON.stringify([this.data.as_of, partner_ids, company_ids, filters]);
        if (this.tieOut && subject === this.tieOutSubject) {
            return;
        }
        this.tieOutSubject = subject;
        this.tieOut = null;
        this.tieOut = await this.keepLastTieOut.add(
            this.orm.call(REPORT, "get_tie_out", [this.shownOptions({ offset: 0 })])
        );
    }

    // Saved filters -----------------------------------------------------------

    async loadChoices() {
        const [choices, filters] = await Promise.all([
            this.orm.call(REPORT, "get_choices", []),
            this.orm.searchRead("ar.report.filter", [["report", "=", REPORT]], [
                "name", "user_id", "is_shared", "is_default", "options",
            ]),
        ]);
        this.choices = choices;
        this.filters = filters;
    }

    /** Use a saved filter: its options, everything else at its default; the date stays where the filter has none. */
    async applyFilter(filter) {
        const { as_of, company_ids } = this.options;
        this.filterId = filter.id;
        await this.update({ ...this.complete({ as_of, company_ids, ...filter.options }), offset: 0 });
    }

    /** Keep the options of the screen under a name; the date only if one was chosen. */
    async saveFilter(name, isShared, isDefault) {
        const options = {};
        for (const [key, value] of Object.entries(this.options)) {
            if (key !== "offset" && key !== "company_ids" && !same(value, DEFAULT_OPTIONS[key])) {
                options[key] = value;
            }
        }
        const [id] = await this.orm.create("ar.report.filter", [
            { name, report: REPORT, is_shared: isShared, is_default: isDefault, options },
        ]);
        await this.loadChoices();
        this.filterId = id;
    }

    async removeFilter(filter) {
        await this.orm.unlink("ar.report.filter", [filter.id]);
        await this.loadChoices();
    }

    async toggleDefault(filter) {
        await this.orm.write("ar.report.filter", [filter.id], { is_default: !filter.is_default });
        await this.loadChoices();
    }
}
