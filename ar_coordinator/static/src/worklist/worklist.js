// Client action "Worklist": who needs something now, why, and one button for what to do first.
import { Component, onWillStart, useRef, useState } from "@odoo/owl";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { useHotkey } from "@web/core/hotkeys/hotkey_hook";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { Pager } from "@web/core/pager/pager";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { formatFloat, formatMonetary } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { worklistSession } from "./worklist_session";
import { FirstRunPanel } from "../first_run/first_run";

const PAGE_SIZE = 40;
const NO_FILTER = { collector: false, kinds: [], minimum: 0, class_ids: [], snoozed: false, search: "" };
export const ACTIONS = {
    call: { icon: "fa-phone", key: "c", label: _t("Call") },
    write: { icon: "fa-pencil-square-o", key: "w", label: _t("Write") },
    letter: { icon: "fa-envelope-o", key: "l", label: _t("Send Letter Now") },
    promise: { icon: "fa-handshake-o", key: "p", label: _t("Log Promise") },
    dispute: { icon: "fa-exclamation-circle", key: "d", label: _t("Dispute") },
    release: { icon: "fa-unlock", key: "r", label: _t("Ask for Release") },
    look: { icon: "fa-comments-o", key: "a", label: _t("Look at Reply") },
    fix: { icon: "fa-reply", key: "x", label: _t("See Failed Letter") },
    escalate: { icon: "fa-level-up", key: "e", label: _t("Escalate") },
    apply: { icon: "fa-puzzle-piece", key: "m", label: _t("See Unapplied Cash") },
    snooze: { icon: "fa-clock-o", key: "s", label: _t("Put Off") },
};

export class Worklist extends Component {
    static template = "ar_coordinator.Worklist";
    static components = { Dropdown, DropdownItem, FirstRunPanel, Layout, Pager };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.notification = useService("notification");
        this.ui = useState(useService("ui"));
        this.rootRef = useRef("root");
        this.searchRef = useRef("search");
        this.keepLast = new KeepLast();
        this.state = useState({
            options: { ...NO_FILTER, ...this.props.state?.options },
            offset: this.props.state?.offset || 0,
            cursor: this.props.state?.cursor || 0,
            data: null,
            loading: false,
            said: "", // read out by screen readers
        });
        useSetupAction({
            rootRef: this.rootRef,
            getLocalState: () => ({
                options: { ...this.state.options },
                offset: this.state.offset,
                cursor: this.state.cursor,
            }),
        });
        this.onSearch = useDebounced((value) => this.update({ search: value }), 300);
        onWillStart(async () => {
            this.filters = await this.orm.call("ar.worklist", "get_filters", []);
            if (!this.props.state?.options && this.filters.has_customers) {
                this.state.options.collector = "me";
            }
            await this.load();
        });
        for (const key of ["j", "arrowdown"]) {
            useHotkey(key, () => this.move(1), { allowRepeat: true });
        }
        for (const key of ["k", "arrowup"]) {
            useHotkey(key, () => this.move(-1), { allowRepeat: true });
        }
        useHotkey("enter", () => this.current && this.open(this.current), {
            isAvailable: () => !document.activeElement?.closest("button, a"),
        });
        useHotkey("f", () => this.searchRef.el?.focus());
        useHotkey("n", () => this.current && this.run(this.current, this.current.best));
        for (const [name, { key }] of Object.entries(ACTIONS)) {
            useHotkey(key, () => this.current && this.runOrSay(this.current, name));
        }
    }

    // Loading -----------------------------------------------------------------

    get serverOptions() {
        const { collector, kinds, minimum, class_ids, snoozed, search } = this.state.options;
        const options = { limit: PAGE_SIZE, offset: this.state.offset };
        return {
            ...options,
            ...(collector && { collector }),
            ...(kinds.length && { kinds: [...kinds] }),
            ...(minimum && { minimum }),
            ...(class_ids.length && { class_ids: [...class_ids] }),
            ...(snoozed && { snoozed }),
            ...(search && { search }),
        };
    }

    async load() {
        this.state.loading = true;
        try {
            this.state.data = await this.keepLast.add(
                this.orm.call("ar.worklist", "get_page", [this.serverOptions])
            );
        } finally {
            this.state.loading = false;
        }
        this.state.said = this.subtitle;
        if (!this.rows.length && this.state.data.row_count) {
            this.state.offset = 0; // the page asked for no longer exists
            return this.load();
        }
        this.state.cursor = Math.max(Math.min(this.state.cursor, this.rows.length - 1), 0);
    }

    /** Change filters and load; when the server refuses them, the screen stays as it was. */
    async update(patch) {
        const { options, offset, cursor } = this.state;
        Object.assign(this.state, { options: { ...options, ...patch }, offset: 0, cursor: 0 });
        try {
            await this.load();
        } catch (error) {
            Object.assign(this.state, { options, offset, cursor });
            throw error;
        }
    }

    onPage({ offset }) {
        Object.assign(this.state, { offset, cursor: 0 });
        return this.load();
    }

    // Rows --------------------------------------------------------------------

    get rows() {
        return this.state.data.rows;
    }

    get current() {
        return this.rows[this.state.cursor];
    }

    get isFiltered() {
        const { collector, kinds, minimum, class_ids, snoozed, search } = this.state.options;
        return Boolean(collector || kinds.length || minimum || class_ids.length || snoozed || search);
    }

    get showsCompany() {
        return user.activeCompanies.length > 1;
    }

    get actions() {
        return ACTIONS;
    }

    may(row, name) {
        return this.state.data.can_work && (name === "snooze" || row.best === name || row.actions.includes(name));
    }

    others(row) {
        return row.actions.filter((name) => name !== row.best);
    }

    moreTitle(row) {
        return _t("More for %s", row.name);
    }

    bestTitle(row) {
        return _t("%(step)s: %(customer)s", { step: this.actions[row.best].label.toString(), customer: row.name });
    }

    backTitle(row) {
        return _t("Bring back: %s", row.name);
    }

    scoreTitle(row) {
        const parts = row.parts.map((part) => `${part.label} ${this.points(part.points)}`);
        return `${this.points(row.score)} = ${parts.join(" + ")}`;
    }

    money(value, row) {
        return formatMonetary(value, { currencyId: row.currency_id });
    }

    points(value) {
        return formatFloat(value, { digits: [0, 1], trailingZeros: false });
    }

    date(value) {
        return formatDate(deserializeDate(value));
    }

    get subtitle() {
        const { row_count, totals } = this.state.data;
        const amounts = totals.map((total) => formatMonetary(total.chased, { currencyId: total.currency_id }));
        const customers = row_count === 1 ? _t("1 customer") : _t("%s customers", row_count);
        return amounts.length ? _t("%(customers)s, %(amounts)s to chase", { customers, amounts: amounts.join(" + ") }) : customers;
    }

    // Doing -------------------------------------------------------------------

    move(step) {
        const cursor = this.state.cursor + step;
        if (cursor >= 0 && cursor < this.rows.length) {
            this.state.cursor = cursor;
            this.rootRef.el.querySelector(`[data-row="${cursor}"]`)?.scrollIntoView({ block: "nearest" });
            this.state.said = this.rowText(this.current, cursor);
        }
    }

    /** What a screen reader says of a row when a key goes to it. */
    rowText(row, index) {
        const best = this.state.data.can_work && !row.snooze ? this.actions[row.best].label : "";
        const place = _t("%(number)s of %(total)s", { number: this.state.offset + index + 1, total: this.state.data.row_count });
        return [row.name, ...row.reasons, best, place].filter(Boolean).join(", ");
    }

    open(row) {
        this.state.cursor = this.rows.indexOf(row);
        const { keys, row_count } = this.state.data;
        worklistSession.set(keys, this.state.offset, row_count);
        return this.action.doAction("ar_coordinator.ar_customer_sheet_action", {
            additionalContext: { active_id: row.partner_id },
            props: { state: { partnerId: row.partner_id, companyId: row.company_id } },
        });
    }

    /** A key does what is possible for the customer, and says so when it is not. */
    runOrSay(row, name) {
        if (this.may(row, name)) {
            return this.run(row, name);
        }
        if (this.state.data.can_work) {
            const step = this.actions[name].label;
            this.notification.add(_t("%(customer)s: nothing to do for “%(step)s” now.", { customer: row.name, step }));
        }
    }

    async run(row, name) {
        this.state.cursor = this.rows.indexOf(row);
        const action = await this.orm.call("ar.worklist", "get_action", [row.partner_id, row.company_id, name]);
        return this.action.doAction(action, { onClose: () => this.load() });
    }

    async bringBack(row) {
        await this.orm.call("ar.worklist.snooze", "action_end", [[row.snooze.id]]);
        return this.load();
    }

    // Filters -----------------------------------------------------------------

    get collectorLabel() {
        const { collector } = this.state.options;
        if (!collector) {
            return _t("All customers");
        }
        if (collector === "me") {
            return _t("My customers");
        }
        if (collector === "none") {
            return _t("Without collector");
        }
        return this.filters.collectors.find(({ id }) => id === collector)?.name || _t("Collector");
    }

    get collectorChoices() {
        return [
            { value: "me", label: _t("My customers") },
            { value: false, label: _t("All customers") },
            { value: "none", label: _t("Without collector") },
            ...this.filters.collectors.map(({ id, name }) => ({ value: id, label: name })),
        ];
    }

    get kindChoices() {
        return this.filters.kinds
            .map((kind) => ({ ...kind, count: this.state.data.counts[kind.key] || 0 }))
            .filter((kind) => kind.count || this.state.options.kinds.includes(kind.key));
    }

    toggle(name, value) {
        const values = this.state.options[name];
        return this.update({
            [name]: values.includes(value) ? values.filter((one) => one !== value) : [...values, value],
        });
    }

    get moreLabel() {
        const { minimum, class_ids } = this.state.options;
        const count = (minimum ? 1 : 0) + (class_ids.length ? 1 : 0);
        return count ? _t("Filters (%s)", count) : _t("Filters");
    }

    onMinimum(ev) {
        const value = Number.parseFloat(ev.target.value);
        return this.update({ minimum: Number.isFinite(value) && value > 0 ? value : 0 });
    }

    clear() {
        return this.update({ ...NO_FILTER });
    }
}

registry.category("actions").add("ar_worklist", Worklist);
