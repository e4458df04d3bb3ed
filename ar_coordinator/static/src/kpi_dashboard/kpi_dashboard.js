// Client action "DSO & KPIs": one card per key figure with its definition, and the last 12 months as graphs.
import { Component, onWillStart, useEffect, useRef, useState } from "@odoo/owl";
import { router } from "@web/core/browser/router";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { deserializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { getCurrency } from "@web/core/currency";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { formatFloat, formatMonetary } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { DateFilter } from "../date_filter/date_filter";
import { KpiCard } from "./card/kpi_card";
import { KpiChart } from "./chart/kpi_chart";

const WINDOWS = [30, 60, 90, 180, 365];
const DEFAULT_OPTIONS = { as_of: false, window_days: 90 };
const UNDEFINED = "–"; // a figure without meaning (no sales to measure against) is not a zero

export class KpiDashboard extends Component {
    static template = "ar_coordinator.KpiDashboard";
    static components = { DateFilter, Dropdown, DropdownItem, KpiCard, KpiChart, Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.rootRef = useRef("root");
        this.keepLast = new KeepLast();
        this.state = useState({ options: this.initialOptions(), data: null, causes: null, loading: false });
        useSetupAction({
            rootRef: this.rootRef,
            getLocalState: () => ({ options: { ...this.state.options } }),
        });
        onWillStart(() => this.load());
        useEffect(
            () => {
                const { as_of, window_days } = this.state.options;
                this.props.updateActionState?.({
                    as_of: as_of || undefined,
                    window: window_days === DEFAULT_OPTIONS.window_days ? undefined : window_days,
                });
            },
            () => [this.state.data]
        );
    }

    /** Options from the breadcrumb, else from the address. */
    initialOptions() {
        const { action, state } = this.props;
        if (state?.options) {
            return state.options;
        }
        const options = { ...DEFAULT_OPTIONS };
        if (router.current.action === action.path) {
            const { as_of, window } = router.current;
            if (/^\d{4}-\d\d-\d\d$/.test(as_of)) {
                options.as_of = as_of;
            }
            if (Number.isInteger(window) && window > 0) {
                options.window_days = window;
            }
        }
        return options;
    }

    async load() {
        this.state.loading = true;
        try {
            const [data, causes] = await this.keepLast.add(
                Promise.all([
                    this.orm.call("ar.kpi.report", "get_data", [{ ...this.state.options }]),
                    this.orm.call("ar.dispute.report", "get_top_causes", [{ as_of: this.state.options.as_of }]),
                ])
            );
            this.state.data = data;
            this.state.causes = causes;
        } finally {
            this.state.loading = false;
        }
    }

    /** Change options and load; when the server refuses them, the screen stays as it was. */
    async update(patch) {
        const previous = this.state.options;
        this.state.options = { ...previous, ...patch };
        try {
            await this.load();
        } catch (error) {
            this.state.options = previous;
            throw error;
        }
    }

    get data() {
        return this.state.data;
    }

    get windows() {
        return WINDOWS.map((days) => ({ days, label: this.windowLabel(days) }));
    }

    windowLabel(days) {
        return _t("Last %s days", days);
    }

    get subtitle() {
        const currency = getCurrency(this.data.currency_id)?.name || "";
        const companies = user.activeCompanies.map((company) => company.name).join(", ");
        return [companies, _t("amounts in %s", currency)].join(" · ");
    }

    get isEmpty() {
        return this.data.series.every((point) => !point.receivable && !point.sales && !point.overdue);
    }

    // Cards -------------------------------------------------------------------

    days(value) {
        return value === null ? UNDEFINED : _t("%s days", formatFloat(value, { digits: [0, 1] }));
    }

    money(value) {
        return value === null ? UNDEFINED : formatMonetary(value, { currencyId: this.data.currency_id });
    }

    countback(point) {
        const text = this.days(point.countback_dso);
        return point.countback_exhausted === false && point.countback_dso !== null ? _t("more than %s", text) : text;
    }

    get cards() {
        const openAging = () => this.openAging();
        const days = (key) => (point) => this.days(point[key]);
        const money = (key) => (point) => this.money(point[key]);
        const cards = [
            {
                key: "dso",
                label: _t("DSO"),
                title: _t("Days sales outstanding: receivables divided by the sales of the window, times its days."),
                text: days("dso"),
            },
            {
                key: "countback_dso",
                label: _t("Countback DSO"),
                title: _t("How many days of the latest sales the receivables stand for, counted back month by month."),
                text: (point) => this.countback(point),
            },
            {
                key: "best_possible_dso",
                label: _t("Best possible DSO"),
                title: _t("The DSO if every customer paid on the due date: only what is not due yet counts."),
                text: days("best_possible_dso"),
            },
            {
                key: "average_days_delinquent",
                label: _t("Average days delinquent"),
                title: _t("DSO less best possible DSO: the part of the DSO that comes from paying late."),
                text: days("average_days_delinquent"),
            },
            {
                key: "cei",
                label: _t("Collection effectiveness"),
                title: _t("CEI: what was collected this month, in per cent of what could have been collected."),
                text: (point) =>
                    point.cei === null ? UNDEFINED : `${formatFloat(point.cei, { digits: [0, 1] })}\u00a0%`,
            },
            {
                key: "average_payment_delay",
                label: _t("Average payment delay"),
                title: _t(
                    "Days between due date and payment, weighted by amount, over what was paid in the window and what is overdue; early is negative."
                ),
                text: days("average_payment_delay"),
            },
            {
                key: "turnover",
                label: _t("Receivables turnover"),
                title: _t("Sales of the window divided by the mean of the receivables at its begin and end."),
                text: (point) =>
                    point.turnover === null
                        ? UNDEFINED
                        : _t("%s times", formatFloat(point.turnover, { digits: [0, 2] })),
            },
            {
                key: "receivable",
                label: _t("Receivables"),
                title: _t("All open items, unapplied credits deducted."),
                text: money("receivable"),
                onOpen: openAging,
            },
            {
                key: "overdue",
                label: _t("Overdue"),
                title: _t("Open items past their due date; unapplied credits are not deducted."),
                text: money("overdue"),
                onOpen: openAging,
            },
            {
                key: "disputed",
                label: _t("Disputed"),
                title: _t("The part of the receivables that customers dispute."),
                text: money("disputed"),
                onOpen: () => this.action.doAction("ar_coordinator.ar_dispute_action"),
            },
        ];
        const previous = this.data.series.at(-2);
        return cards.map(({ text, ...card }) => ({
            ...card,
            value: text(this.data),
            before: previous ? text(previous) : "",
        }));
    }

    get beforeLabel() {
        const previous = this.data.series.at(-2);
        return previous ? this.monthLabel(previous) : "";
    }

    openAging() {
        return this.action.doAction("ar_coordinator.ar_aging_action", {
            props: { state: { options: { as_of: this.state.options.as_of } } },
        });
    }

    // Disputes ------------------------------------------------------------------

    get causes() {
        const money = (amount) => formatMonetary(amount, { currencyId: this.state.causes.currency_id });
        return this.state.causes.causes.map((cause) => ({
            ...cause,
            amountText: money(cause.amount),
            creditedText: money(cause.credited),
        }));
    }

    openCause(cause) {
        const { date_from, date_to } = this.state.causes;
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Disputes: %s", cause.name),
            res_model: "ar.dispute.report",
            views: [
                [false, "list"],
                [false, "pivot"],
                [false, "graph"],
            ],
            domain: [
                ["reason_id", "=", cause.reason_id],
                ["date_open", ">=", date_from],
                ["date_open", "<=", date_to],
            ],
        });
    }

    // Graphs ------------------------------------------------------------------

    monthLabel(point) {
        return deserializeDate(point.month).toFormat("LLL yyyy");
    }

    get months() {
        return this.data.series.map((point) => this.monthLabel(point));
    }

    values(key) {
        return this.data.series.map((point) => point[key]);
    }

    get dsoLines() {
        return [
            { label: _t("DSO"), data: this.values("dso") },
            { label: _t("Countback DSO"), data: this.values("countback_dso") },
            { label: _t("Best possible DSO"), data: this.values("best_possible_dso") },
        ];
    }

    get amountBars() {
        return [
            { label: _t("Receivables"), data: this.values("receivable") },
            { label: _t("Overdue"), data: this.values("overdue") },
        ];
    }
}

registry.category("actions").add("ar_kpi_dashboard", KpiDashboard);
