// Client action "Cash to Apply": payments on the left, what they may be for on the right, the difference live.
import { Component, onMounted, onWillStart, useExternalListener, useRef, useState } from "@odoo/owl";
import { getCurrency } from "@web/core/currency";
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
import { parseFloat } from "@web/views/fields/parsers";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { CashChoice, toUnits } from "./cash_choice";
import { CustomerDialog } from "./customer_dialog";
import { KeysDialog } from "./keys_dialog";
import { SureDialog } from "./sure_dialog";

const PAGE_SIZE = 40;
const ITEMS_SHOWN = 100; // of a customer with many; the search finds the others
const START = { show: "all", order: "day", journal_id: false, search: "" };
export const SHOWS = [
    { value: "all", label: _t("All") },
    { value: "sure", label: _t("Sure") },
    { value: "doubtful", label: _t("Doubtful") },
    { value: "nothing", label: _t("Nothing found") },
    { value: "mine", label: _t("My customers") },
];
const ORDERS = [
    { value: "day", label: _t("By day") },
    { value: "journal", label: _t("By bank account") },
    { value: "sure", label: _t("Surest first") },
    { value: "amount", label: _t("Largest first") },
];

export class CashDesk extends Component {
    static template = "ar_coordinator.CashDesk";
    static components = { Dropdown, DropdownItem, Layout, Pager };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.notification = useService("notification");
        this.ui = useState(useService("ui"));
        this.rootRef = useRef("root");
        this.searchRef = useRef("search");
        this.listRef = useRef("list");
        this.keepReceipts = new KeepLast();
        this.keepItems = new KeepLast();
        this.shows = SHOWS;
        this.orders = ORDERS;
        this.pageSize = PAGE_SIZE;
        const saved = this.props.state || {};
        this.state = useState({
            options: { ...START, ...saved.options },
            offset: saved.offset || 0,
            cursor: saved.cursor || 0,
            data: null,
            choice: null, // of the receipt at the cursor
            itemSearch: "",
            applied: null, // what was applied today, while that is shown
            pane: "list", // on a phone
            loading: false,
            busy: false,
            said: "", // read out by screen readers
        });
        this.done = []; // ids of what was applied on this screen, for undo
        useSetupAction({
            rootRef: this.rootRef,
            getLocalState: () => ({
                options: { ...this.state.options },
                offset: this.state.offset,
                cursor: this.state.cursor,
            }),
        });
        this.onSearch = useDebounced((value) => this.update({ search: value }), 300);
        this.loadSoon = useDebounced(() => this.loadItems(), 150);
        onWillStart(async () => {
            await this.load();
        });
        onMounted(() => this.focusList());
        this.setKeys();
    }

    setKeys() {
        const free = () => !document.activeElement?.closest("select, .o-dropdown--menu");
        const key = (name, callback, options = {}) =>
            useHotkey(name, callback, { isAvailable: free, ...options });
        for (const [names, step] of [[["arrowdown", "j"], 1], [["arrowup", "k"], -1]]) {
            for (const name of names) {
                key(name, () => this.move(step), { allowRepeat: true });
            }
        }
        key("arrowright", () => this.focusItems());
        key("arrowleft", () => this.focusList());
        key("space", () => this.focusItems(), {
            isAvailable: () => document.activeElement === this.listRef.el, // a checkbox ticks by itself
        });
        key("enter", () => this.apply(), {
            isAvailable: () => !document.activeElement?.closest("button, a, .o-dropdown--menu"),
        });
        key("escape", () => this.focusList(), { isAvailable: () => true });
        key("a", () => this.openSure());
        key("c", () => this.chooseCustomer());
        key("d", () => this.rootRef.el.querySelector(".o_ar_rest_action")?.focus());
        key("u", () => this.undoLast());
        key("x", () => this.dismiss());
        // these two are no hotkeys of Odoo's
        useExternalListener(window, "keydown", (ev) => {
            const isTyping = ev.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable=true]");
            if (isTyping || ev.ctrlKey || ev.altKey || ev.metaKey || this.ui.activeElement !== document) {
                return;
            }
            const run = { "/": () => this.searchRef.el?.focus(), "?": () => this.openKeys() }[ev.key];
            if (run) {
                ev.preventDefault();
                run();
            }
        });
    }

    // Loading -----------------------------------------------------------------

    get serverOptions() {
        const { show, order, journal_id, search } = this.state.options;
        return {
            show,
            order,
            limit: PAGE_SIZE,
            offset: this.state.offset,
            ...(journal_id && { journal_id }),
            ...(search && { search }),
        };
    }

    async load() {
        this.state.loading = true;
        try {
            this.state.data = await this.keepReceipts.add(
                this.orm.call("ar.cash.desk", "get_receipts", [this.serverOptions])
            );
        } finally {
            this.state.loading = false;
        }
        if (!this.rows.length && this.state.data.row_count) {
            this.state.offset = Math.max(0, (Math.ceil(this.state.data.row_count / PAGE_SIZE) - 1) * PAGE_SIZE);
            return this.load();
        }
        this.state.cursor = Math.max(Math.min(this.state.cursor, this.rows.length - 1), 0);
        if (this.state.applied) {
            await this.loadApplied();
        }
        return this.loadItems();
    }

    /** Read what the receipt at the cursor may be for. */
    async loadItems(partnerId = null) {
        const row = this.current;
        if (!row) {
            this.state.choice = null;
            return;
        }
        const data = await this.keepItems.add(
            this.orm.call("ar.cash.desk", "get_items", [row.kind, row.id, partnerId])
        );
        this.state.choice = new CashChoice(data, this.digits(row.currency_id));
        this.state.itemSearch = "";
        this.state.said = this.describe(row);
    }

    async loadApplied() {
        this.state.applied = await this.orm.call("ar.cash.desk", "get_applied", []);
    }

    /** Change filters and load; when the server refuses them, the screen stays as it was. */
    async update(patch) {
        const { options, offset, cursor } = this.state;
        Object.assign(this.state, { options: { ...options, ...patch }, offset: 0, cursor: 0, applied: null });
        try {
            await this.load();
        } catch (error) {
            Object.assign(this.state, { options, offset, cursor });
            throw error;
        }
    }

    async show(value) {
        await this.update({ show: value });
        this.focusList();
    }

    onPage({ offset }) {
        Object.assign(this.state, { offset, cursor: 0 });
        return this.load();
    }

    // Receipts ----------------------------------------------------------------

    get rows() {
        return this.state.data.rows;
    }

    get current() {
        return this.rows[this.state.cursor];
    }

    /** Rows with the heading above those that have one. */
    get entries() {
        const { order } = this.state.options;
        let last = null;
        return this.rows.map((row, index) => {
            const group = { day: row.date, journal: row.journal_id }[order];
            const heading = group !== undefined && group !== last;
            last = group;
            return { row, index, heading: heading && (order === "day" ? this.date(row.date) : row.journal) };
        });
    }

    get showsCompany() {
        return user.activeCompanies.length > 1;
    }

    get isFiltered() {
        const { show, journal_id, search } = this.state.options;
        return Boolean(show !== "all" || journal_id || search);
    }

    get journalLabel() {
        const { journal_id } = this.state.options;
        return this.state.data.journals.find(({ id }) => id === journal_id)?.name || _t("All bank accounts");
    }

    get orderLabel() {
        return ORDERS.find(({ value }) => value === this.state.options.order).label;
    }

    get subtitle() {
        const { row_count, totals } = this.state.data;
        const amounts = totals.map((total) => formatMonetary(total.amount, { currencyId: total.currency_id }));
        const payments = row_count === 1 ? _t("1 payment") : _t("%s payments", row_count);
        return amounts.length ? _t("%(payments)s, %(amounts)s", { payments, amounts: amounts.join(" + ") }) : payments;
    }

    get showChoices() {
        return SHOWS.map((show) => ({ ...show, count: this.state.data.counts[show.value] || 0 }));
    }

    optionId(index) {
        return `o_ar_receipt_${index}`;
    }

    /** One line for screen readers. */
    describe(row) {
        return [row.payer || row.text, this.rowMoney(row), row.partner?.name, this.sureness(row)].filter(Boolean).join(", ");
    }

    sureness(row) {
        if (row.is_partly) {
            return _t("Booked in part");
        }
        if (row.state === "nothing") {
            return _t("Nothing found");
        }
        return `${formatFloat(row.confidence, { digits: [0, 0] })} %`;
    }

    partMoney(part) {
        return formatMonetary(part.amount, { currencyId: this.receipt.currency_id });
    }

    rowMoney(row) {
        return formatMonetary(row.amount, { currencyId: row.currency_id });
    }

    date(value) {
        return formatDate(deserializeDate(value));
    }

    digits(currencyId) {
        return getCurrency(currencyId)?.digits[1] ?? 2;
    }

    // Items -------------------------------------------------------------------

    get choice() {
        return this.state.choice;
    }

    get receipt() {
        return this.choice.data.receipt;
    }

    /** Those searched for; ticked ones always. */
    get items() {
        const search = this.state.itemSearch.trim().toLowerCase();
        const found = this.choice.items.filter(
            (item) => !search || item.chosen || `${item.name} ${item.ref} ${this.amountText(item.residual)}`.toLowerCase().includes(search)
        );
        return found.filter((item, index) => item.chosen || index < ITEMS_SHOWN);
    }

    get hiddenItems() {
        return this.choice.items.length - this.items.length;
    }

    get hasManyItems() {
        return this.choice.items.length > 12;
    }

    money(units) {
        return formatMonetary(this.choice.value(units), { currencyId: this.receipt.currency_id });
    }

    amountText(units) {
        return formatFloat(this.choice.value(units), { digits: [0, this.choice.digits] });
    }

    /** What is open of an item in its own currency, and the rate: of the day, or that it is paid at. */
    foreignText(item, rate = this.choice.value(item.residual) / item.item_residual) {
        return _t("%(open)s at %(rate)s", {
            open: formatMonetary(item.item_residual, { currencyId: item.item_currency_id }),
            rate: formatFloat(rate, { digits: [0, 6], trailingZeros: false }),
        });
    }

    daysText(item) {
        return item.days > 1 ? _t("%s days late", item.days) : item.days === 1 ? _t("1 day late") : "";
    }

    itemLabel(item) {
        return _t("%(name)s, due %(due)s, open %(open)s", {
            name: item.name,
            due: this.date(item.due),
            open: this.money(item.residual),
        });
    }

    discountLabel(item) {
        return _t("Discount %(amount)s until %(day)s", {
            amount: this.money(item.discount),
            day: this.date(item.discount_until),
        });
    }

    get differenceText() {
        const { difference } = this.choice;
        if (!difference) {
            return _t("No difference: everything received is applied");
        }
        return difference > 0
            ? _t("%s more than what is ticked", this.money(difference))
            : _t("%s less than what is ticked", this.money(-difference));
    }

    get leftOpenText() {
        if (this.choice.restAction === "rate") {
            return this.choice.foreign
                .map((item) => _t("%(item)s is paid in full: %(foreign)s", { item: item.name, foreign: this.foreignText(item, this.choice.rate(item)) }))
                .join(", ");
        }
        const parts = this.choice.leftOpen.map(({ item, units }) => `${item.name}: ${this.money(units)}`);
        const verb = {
            open: _t("stays open"),
            dispute: _t("is disputed"),
            write_off: _t("is written off"),
            fee: _t("is the bank's fee"),
        }[this.choice.restAction];
        return verb ? `${parts.join(", ")} ${verb}` : "";
    }

    toggle(item) {
        this.choice.toggle(item);
        this.state.said = this.differenceText;
    }

    toggleDiscount(item) {
        this.choice.toggleDiscount(item);
        this.state.said = this.differenceText;
    }

    onAmount(ev, item) {
        let units;
        try {
            units = toUnits(parseFloat(ev.target.value || "0"), this.choice.digits);
        } catch {
            units = item.amount;
            this.notification.add(_t("%s is not an amount.", ev.target.value), { type: "warning" });
        }
        if (!this.choice.setAmount(item, units)) {
            this.notification.add(
                _t("%(item)s: at most %(amount)s can be applied.", { item: item.name, amount: this.money(item.residual - item.discountChosen) }),
                { type: "warning" }
            );
        }
        this.choice.action = false;
        ev.target.value = this.amountText(item.amount);
        this.state.said = this.differenceText;
    }

    /** Enter takes the amount, the arrows go to the amounts above and below. */
    onAmountKey(ev, item) {
        const step = { ArrowDown: 1, ArrowUp: -1 }[ev.key];
        if (step) {
            const inputs = [...this.rootRef.el.querySelectorAll(".o_ar_cash_item input[type=text]")];
            inputs[inputs.indexOf(ev.target) + step]?.focus();
        } else if (ev.key === "Enter") {
            this.onAmount(ev, item);
            ev.target.closest(".o_ar_cash_item").querySelector("input[type=checkbox]").focus();
        } else {
            return;
        }
        ev.preventDefault();
    }

    onRestAction(ev) {
        this.choice.action = ev.target.value;
    }

    onRestReason(ev) {
        this.choice.reasonId = Number(ev.target.value) || false;
    }

    // Moving ------------------------------------------------------------------

    get checkboxes() {
        return [...this.rootRef.el.querySelectorAll(".o_ar_cash_item input[type=checkbox]:not(:disabled)")];
    }

    move(step) {
        if (document.activeElement?.closest(".o_ar_cash_items")) {
            const boxes = this.checkboxes;
            const row = document.activeElement.closest(".o_ar_cash_item");
            boxes[boxes.findIndex((box) => row?.contains(box)) + step]?.focus();
        } else if (!this.state.applied) {
            this.goTo(this.state.cursor + step);
        }
    }

    goTo(cursor) {
        if (cursor < 0 || cursor >= this.rows.length || cursor === this.state.cursor) {
            return;
        }
        this.state.cursor = cursor;
        this.rootRef.el.querySelector(`[data-row="${cursor}"]`)?.scrollIntoView({ block: "nearest" });
        return this.loadSoon();
    }

    async select(index) {
        const isNew = index !== this.state.cursor;
        Object.assign(this.state, { cursor: index, pane: "items" });
        if (isNew || !this.choice) {
            await this.loadItems();
        }
        this.focusList();
    }

    focusList() {
        this.state.pane = this.ui.isSmall ? this.state.pane : "list";
        this.listRef.el?.focus({ preventScroll: true });
    }

    focusItems() {
        const boxes = this.checkboxes;
        (boxes.find((box) => box.checked) || boxes[0])?.focus();
    }

    backToList() {
        this.state.pane = "list";
    }

    // Doing -------------------------------------------------------------------

    get canApply() {
        return Boolean(
            this.state.data.can_work && this.choice && !this.state.busy && !this.state.applied && this.choice.canApply &&
                this.receipt.key === this.current?.key
        );
    }

    async run(callback) {
        if (this.state.busy) {
            return;
        }
        this.state.busy = true;
        try {
            return await callback();
        } finally {
            this.state.busy = false;
        }
    }

    /** Apply what is ticked and go to the next payment. */
    apply() {
        if (!this.canApply) {
            return;
        }
        const { kind, id } = this.receipt;
        const { lines, restAction, restReasonId, data } = this.choice;
        return this.run(async () => {
            const result = await this.orm.call("ar.cash.desk", "apply", [
                kind,
                id,
                lines,
                restAction,
                restReasonId,
                data.partner && data.partner.id,
            ]);
            this.done.push(result.id);
            this.say(result.message);
            await this.load();
            if (!this.rows.length) {
                this.state.pane = "list";
            }
            this.focusList();
        });
    }

    say(message) {
        this.state.said = message;
        this.notification.add(message, {
            type: "success",
            buttons: [{ name: _t("Undo"), onClick: () => this.undoLast() }],
        });
    }

    /** Undo what was applied last on this screen; before that, show what was applied today. */
    undoLast() {
        if (!this.state.data.can_work) {
            return;
        }
        return this.done.length ? this.undo(this.done.at(-1)) : this.showApplied();
    }

    undo(proposalId) {
        return this.run(async () => {
            const { message, kind, id } = await this.orm.call("ar.cash.desk", "undo", [proposalId]);
            this.done = this.done.filter((one) => one !== proposalId);
            this.state.said = message;
            this.notification.add(message, { type: "info" });
            await this.load();
            const cursor = this.rows.findIndex((row) => row.kind === kind && row.id === id);
            if (cursor >= 0) {
                this.state.cursor = cursor;
                await this.loadItems();
            }
        });
    }

    dismiss() {
        const row = this.current;
        if (!row?.proposal_id || !this.state.data.can_work) {
            return;
        }
        return this.run(async () => {
            await this.orm.call("ar.cash.desk", "dismiss", [row.proposal_id]);
            this.notification.add(_t("Not proposed again: %s", row.text), { type: "info" });
            await this.load();
        });
    }

    async showApplied() {
        await this.loadApplied();
        this.state.pane = "list";
    }

    propose() {
        return this.run(async () => {
            await this.orm.call("ar.cash.desk", "propose", []);
            await this.load();
            this.notification.add(_t("The proposals are up to date."), { type: "info" });
        });
    }

    openSure() {
        if (!this.state.data.can_work) {
            return;
        }
        const { show, journal_id, search } = this.state.options;
        this.dialog.add(
            SureDialog,
            {
                threshold: this.state.data.threshold,
                options: {
                    ...(show === "mine" && { show }),
                    ...(journal_id && { journal_id }),
                    ...(search && { search }),
                },
                onApplied: (ids) => this.done.push(...ids),
            },
            { onClose: () => this.load().then(() => this.focusList()) }
        );
    }

    openKeys() {
        this.dialog.add(KeysDialog, {});
    }

    chooseCustomer() {
        if (!this.choice) {
            return;
        }
        const { kind, id, payer, text } = this.receipt;
        this.dialog.add(CustomerDialog, {
            kind,
            sourceId: id,
            currencyId: this.receipt.currency_id,
            payer: payer || text,
            onSelect: async (partnerId) => {
                await this.loadItems(partnerId);
                this.focusItems();
            },
        });
    }

    openRecord(model, id) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: model,
            res_id: id,
            views: [[false, "form"]],
        });
    }

    openAction(xmlId) {
        return this.action.doAction(xmlId);
    }
}

registry.category("actions").add("ar_cash_desk", CashDesk);
