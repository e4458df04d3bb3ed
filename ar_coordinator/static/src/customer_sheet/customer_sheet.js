// Client action "Customer Sheet": balance, open items, timeline, contacts, notes and credit of one customer on one screen.
import { Component, onWillStart, useRef, useState } from "@odoo/owl";
import { router } from "@web/core/browser/router";
import { useHotkey } from "@web/core/hotkeys/hotkey_hook";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { formatFloat, formatMonetary } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { KpiChart } from "../kpi_dashboard/chart/kpi_chart";
import { worklistSession } from "../worklist/worklist_session";
import { CustomerTimeline } from "./timeline/customer_timeline";

// the first row is for the customer, the second for the items chosen; the keys are those of the worklist
const ACTIONS = [
    { name: "call", icon: "fa-phone", key: "c", label: _t("Call") },
    { name: "write", icon: "fa-pencil-square-o", key: "w", label: _t("Write") },
    { name: "letter", icon: "fa-envelope-o", key: "l", label: _t("Send Letter Now") },
    { name: "promise", icon: "fa-handshake-o", key: "p", label: _t("Promise") },
    { name: "plan", icon: "fa-calendar-check-o", key: "i", label: _t("Payment Plan") },
    { name: "dispute", icon: "fa-exclamation-circle", key: "d", label: _t("Dispute") },
    { name: "pause", icon: "fa-pause", key: "h", label: _t("Pause") },
    { name: "snooze", icon: "fa-clock-o", key: "s", label: _t("Put Off") },
];

export class CustomerSheet extends Component {
    static template = "ar_coordinator.CustomerSheet";
    static components = { CustomerTimeline, KpiChart, Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.ui = useState(useService("ui"));
        this.rootRef = useRef("root");
        this.keepLast = new KeepLast();
        this.actions = ACTIONS;
        const params = this.props.action.params || {};
        const saved = this.props.state || {};
        this.state = useState({
            partnerId: saved.partnerId || params.partner_id || this.props.action.context?.active_id || router.current.active_id,
            companyId: saved.companyId || params.company_id || user.activeCompany.id,
            data: null,
            behaviour: null,
            selected: {},
            loading: false,
            editsNote: false,
            said: "", // read out by screen readers
            version: 0, // the timeline reads again when it changes
        });
        useSetupAction({
            rootRef: this.rootRef,
            getLocalState: () => ({ partnerId: this.state.partnerId, companyId: this.state.companyId }),
        });
        onWillStart(() => this.load());
        for (const { name, key } of ACTIONS) {
            useHotkey(key, () => this.run(name));
        }
        useHotkey("j", () => this.step(1));
        useHotkey("k", () => this.step(-1));
        useHotkey("arrowright", () => this.step(1));
        useHotkey("arrowleft", () => this.step(-1));
    }

    // Loading -----------------------------------------------------------------

    async load() {
        this.state.loading = true;
        const { partnerId, companyId } = this.state;
        try {
            const data = await this.keepLast.add(
                this.orm.call("ar.customer.sheet", "get_sheet", [partnerId, companyId])
            );
            Object.assign(this.state, { data, selected: {}, editsNote: false, version: this.state.version + 1 });
            this.props.updateActionState?.({ active_id: data.partner.id });
            this.env.config.setDisplayName(data.partner.name);
            this.state.said = [data.partner.name, this.position?.text].filter(Boolean).join(", ");
        } finally {
            this.state.loading = false;
        }
        this.loadBehaviour(partnerId, companyId);
    }

    /** The graph takes longer than the rest: it comes when it is there. */
    async loadBehaviour(partnerId, companyId) {
        this.state.behaviour = null;
        const points = await this.orm.call("ar.customer.sheet", "get_behaviour", [partnerId, companyId]);
        if (partnerId === this.state.partnerId && companyId === this.state.companyId) {
            this.state.behaviour = points;
        }
    }

    get data() {
        return this.state.data;
    }

    // Texts and figures -------------------------------------------------------

    money(value, currencyId = this.data.company.currency_id) {
        return formatMonetary(value, { currencyId });
    }

    date(value) {
        return formatDate(deserializeDate(value));
    }

    percent(value) {
        return `${formatFloat(value, { digits: [0, 0] })} %`;
    }

    daysLabel(item) {
        return item.days > 1 ? _t("%s days", item.days) : item.days === 1 ? _t("1 day") : "";
    }

    get subtitle() {
        const { partner, people, company } = this.data;
        return [
            user.activeCompanies.length > 1 && company.name,
            partner.ref,
            partner.country,
            people.collector && _t("Collector: %s", people.collector),
            people.salesperson && _t("Salesperson: %s", people.salesperson),
        ].filter(Boolean).join(" · ");
    }

    /** Parts of the bar: what is owed, by age; credits are beside it, not in it. */
    get bar() {
        const { buckets } = this.data.ageing;
        const total = buckets.reduce((sum, bucket) => sum + Math.max(bucket.amount, 0), 0);
        return buckets.map((bucket, index) => ({
            ...bucket,
            index,
            width: total ? (100 * Math.max(bucket.amount, 0)) / total : 0,
        }));
    }

    get promiseText() {
        const { count, kept, open } = this.data.promises;
        const texts = [];
        if (count) {
            const values = { kept: this.percent(kept), count };
            texts.push(count === 1 ? _t("%(kept)s of 1 promise kept", values) : _t("%(kept)s of %(count)s promises kept", values));
        }
        if (open) {
            texts.push(_t("%s open", open));
        }
        return texts.join(", ");
    }

    get months() {
        return this.state.behaviour.map((point) => deserializeDate(point.month).toFormat("LLL yy"));
    }

    get delays() {
        return [{ label: _t("Days late"), data: this.state.behaviour.map((point) => point.delay) }];
    }

    get paid() {
        return this.state.behaviour?.some((point) => point.delay !== null);
    }

    // Items -------------------------------------------------------------------

    get selectedItems() {
        return this.data.items.filter((item) => this.state.selected[item.id]);
    }

    get selectedText() {
        const totals = {};
        for (const item of this.selectedItems) {
            totals[item.currency_id] = (totals[item.currency_id] || 0) + item.residual;
        }
        const amounts = Object.entries(totals).map(([currency, amount]) => this.money(amount, Number(currency)));
        return _t("%(count)s chosen, %(amounts)s", { count: this.selectedItems.length, amounts: amounts.join(" + ") });
    }

    get allSelected() {
        return this.data.items.length > 0 && this.selectedItems.length === this.data.items.length;
    }

    toggleItem(item) {
        this.state.selected[item.id] = !this.state.selected[item.id];
        this.state.said = this.selectedText;
    }

    toggleAll() {
        const value = !this.allSelected;
        this.state.selected = Object.fromEntries(this.data.items.map((item) => [item.id, value]));
        this.state.said = this.selectedText;
    }

    openItem(item) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "account.move",
            res_id: item.move_id,
            views: [[false, "form"]],
        });
    }

    // Doing -------------------------------------------------------------------

    async run(name) {
        if (!this.data.can_work) {
            return;
        }
        const { partner, company } = this.data;
        const lineIds = this.selectedItems.map((item) => item.id);
        const action = await this.orm.call("ar.customer.sheet", "get_action", [partner.id, company.id, name, lineIds]);
        return this.action.doAction(action, { onClose: () => this.load() });
    }

    statement() {
        const { partner, company } = this.data;
        return this.action.doAction({
            type: "ir.actions.act_url",
            url: `/ar_coordinator/customer/${partner.id}/statement?company_id=${company.id}`,
            target: "download",
        });
    }

    openForm() {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "res.partner",
            res_id: this.data.partner.id,
            views: [[false, "form"]],
        });
    }

    openEntry(entry) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: entry.model,
            res_id: entry.res_id,
            views: [[false, "form"]],
        });
    }

    async saveNote(ev) {
        const { partner, company } = this.data;
        const text = ev.target.closest(".o_ar_note").querySelector("textarea").value;
        await this.orm.call("ar.customer.sheet", "set_note", [partner.id, company.id, text]);
        this.data.note = text.trim();
        this.state.editsNote = false;
    }

    // The worklist's next and previous -----------------------------------------

    get position() {
        const { partnerId, companyId } = this.state;
        const index = worklistSession.indexOf(partnerId, companyId);
        return index < 0
            ? false
            : { text: _t("%(number)s of %(total)s", { number: worklistSession.offset + index + 1, total: worklistSession.total }) };
    }

    hasNeighbour(step) {
        return Boolean(worklistSession.neighbour(this.state.partnerId, this.state.companyId, step));
    }

    step(step) {
        const key = worklistSession.neighbour(this.state.partnerId, this.state.companyId, step);
        if (key) {
            [this.state.partnerId, this.state.companyId] = key;
            return this.load();
        }
    }
}

registry.category("actions").add("ar_customer_sheet", CustomerSheet);
