// Client action "DSO & KPIs": one card per key figure with its definition, target and course, graphs of the months and
// weeks, and what letters brought. Names, formulas and figures come from the server (ar.kpi.report).
import { Component, onWillStart, useEffect, useRef, useState } from "@odoo/owl";
import { router } from "@web/core/browser/router";
import { getCurrency } from "@web/core/currency";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { deserializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { download } from "@web/core/network/download";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { formatFloat, formatMonetary } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { DateFilter } from "../date_filter/date_filter";
import { TableFilters } from "../table_report/table_filters";
import { KpiCard } from "./card/kpi_card";
import { KpiChart } from "./chart/kpi_chart";

const WINDOWS = [30, 60, 90, 180, 365];
const DEFAULT_OPTIONS = { as_of: false, window_days: 90 };
const ID_FILTERS = ["collector_ids", "risk_class_ids"];
const UNDEFINED = "–"; // a figure without meaning (no sales to measure against) is not a zero
// the cards, in groups; the figures' names and meanings are the server's
const GROUPS = [
    ["dso", "countback_dso", "best_possible_dso", "average_days_delinquent", "average_payment_delay", "turnover"],
    ["receivable", "overdue", "overdue_share", "over_90_share", "disputed", "disputed_share"],
    ["collected_week", "collected", "cei", "promise_kept_rate", "dunning_success", "sales"],
];

export class KpiDashboard extends Component {
    static template = "ar_coordinator.KpiDashboard";
    static components = { DateFilter, Dropdown, DropdownItem, KpiCard, KpiChart, Layout, TableFilters };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.rootRef = useRef("root");
        this.keepLast = new KeepLast();
        this.state = useState({
            options: this.initialOptions(),
            data: null,
            weeks: null,
            causes: null,
            loading: false,
            exporting: false,
            chosen: "overdue_share", // the figure in the graph of months
        });
        useSetupAction({
            rootRef: this.rootRef,
            getLocalState: () => ({ options: { ...this.state.options }, chosen: this.state.chosen }),
        });
        if (this.props.state?.chosen) {
            this.state.chosen = this.props.state.chosen;
        }
        onWillStart(() => this.load());
        useEffect(
            () => this.writeAddress(),
            () => [this.state.data]
        );
    }

    // Options -------------------------------------------------------------------

    /** Options from the breadcrumb, else from the address. */
    initialOptions() {
        const { action, state } = this.props;
        if (state?.options) {
            return state.options;
        }
        const options = { ...DEFAULT_OPTIONS };
        if (router.current.action !== action.path) {
            return options;
        }
        const { as_of, window, months } = router.current;
        if (/^\d{4}-\d\d-\d\d$/.test(as_of)) {
            options.as_of = as_of;
        }
        if (Number.isInteger(window) && window > 0) {
            options.window_days = window;
        }
        if (Number.isInteger(months) && months > 0) {
            options.months = months;
        }
        for (const key of ID_FILTERS) {
            if (/^\d+(-\d+)*$/.test(router.current[key] ?? "")) {
                options[key] = String(router.current[key]).split("-").map(Number);
            }
        }
        return options;
    }

    writeAddress() {
        const { as_of, window_days, months, ...filters } = this.state.options;
        this.props.updateActionState?.({
            as_of: as_of || undefined,
            window: window_days === DEFAULT_OPTIONS.window_days ? undefined : window_days,
            months: months || undefined,
            ...Object.fromEntries(ID_FILTERS.map((key) => [key, filters[key]?.join("-") || undefined])),
        });
    }

    /** What the other reports take as well. */
    get scope() {
        const { as_of, collector_ids, risk_class_ids } = this.state.options;
        return Object.fromEntries(
            Object.entries({ as_of, collector_ids, risk_class_ids }).filter(([, value]) => value)
        );
    }

    async load() {
        this.state.loading = true;
        try {
            const [data, weeks, causes] = await this.keepLast.add(
                Promise.all([
                    this.orm.call("ar.kpi.report", "get_data", [{ ...this.state.options }]),
                    this.orm.call("ar.kpi.report", "get_weeks", [this.scope]),
                    this.orm.call("ar.dispute.report", "get_top_causes", [{ as_of: this.state.options.as_of }]),
                ])
            );
            this.state.data = data;
            this.state.weeks = weeks;
            this.state.causes = causes;
        } finally {
            this.state.loading = false;
        }
    }

    /** Change options and load; when the server refuses them, the screen stays as it was. */
    async update(patch) {
        const previous = this.state.options;
        const options = { ...previous, ...patch };
        for (const key of ID_FILTERS) {
            if (!options[key]?.length) {
                delete options[key];
            }
        }
        this.state.options = options;
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

    /** Filters with nothing of their own on this screen. */
    get moreFilters() {
        return this.data.filters.filter((filter) => !["as_of", "window_days"].includes(filter.key));
    }

    get filterValues() {
        const { months, collector_ids, risk_class_ids } = this.data;
        return { months, collector_ids, risk_class_ids };
    }

    get subtitle() {
        const currency = getCurrency(this.data.currency_id)?.name || "";
        const companies = user.activeCompanies.map((company) => company.name).join(", ");
        return [companies, _t("amounts in %s", currency)].join(" · ");
    }

    get isEmpty() {
        return this.data.series.every((point) => !point.receivable && !point.sales && !point.overdue);
    }

    /** Fetch the figures as a file. The companies are named, as a download does not carry the company switcher. */
    async onExport(format) {
        this.state.exporting = format;
        const options = {
            company_ids: user.activeCompanies.map((company) => company.id),
            ...this.state.options,
            as_of: this.data.as_of,
        };
        try {
            await download({
                url: `/ar_coordinator/table/ar.kpi.report/${format}`,
                data: { options: JSON.stringify(options) },
            });
        } finally {
            this.state.exporting = false;
        }
    }

    // Figures as text -----------------------------------------------------------

    format(key, value) {
        if (value === null || value === undefined) {
            return UNDEFINED;
        }
        const units = {
            days: () => _t("%s days", formatFloat(value, { digits: [0, 1] })),
            percent: () => `${formatFloat(value, { digits: [0, 1] })}\u00a0%`,
            times: () => _t("%s times", formatFloat(value, { digits: [0, 2] })),
            amount: () => this.money(value),
        };
        return units[this.definition(key).unit]();
    }

    money(value) {
        return formatMonetary(value, { currencyId: this.data.currency_id });
    }

    figure(key, point) {
        const text = this.format(key, point[key]);
        const isMore = key === "countback_dso" && point.countback_exhausted === false && point[key] !== null;
        return isMore ? _t("more than %s", text) : text;
    }

    definition(key) {
        return this.data.definitions.find((definition) => definition.key === key);
    }

    /** Whether the figure is on the better side of its target; null without either. */
    isMet({ better }, value, target) {
        if (!better || value === null || value === undefined) {
            return null;
        }
        return better === "low" ? value <= target : value >= target;
    }

    // Cards -------------------------------------------------------------------

    get groups() {
        return [
            { key: "duration", label: _t("How long it takes") },
            { key: "open", label: _t("What is open") },
            { key: "money", label: _t("What comes in") },
        ].map((group, index) => ({ ...group, cards: GROUPS[index].map((key) => this.card(key)) }));
    }

    card(key) {
        const definition = this.definition(key);
        const previous = this.data.series.at(-2);
        const target = this.data.targets[key] ?? null;
        return {
            name: key,
            label: definition.label,
            formula: definition.formula,
            source: definition.source,
            value: this.figure(key, this.data),
            before: previous && key !== "collected_week" ? this.figure(key, previous) : "",
            beforeLabel: previous && key !== "collected_week" ? this.monthLabel(previous) : "",
            target: target === null ? "" : this.format(key, target),
            isMet: target === null ? null : this.isMet(definition, this.data[key], target),
            points: this.values(key),
            targets: this.targets(key),
            isChosen: this.state.chosen === key,
            onOpen: () => this.open(key, this.data.as_of),
            onChoose: () => this.choose(key),
        };
    }

    /** Show the months of a figure as a graph. */
    choose(key) {
        this.state.chosen = key;
        const graph = this.rootRef.el.querySelector("[data-chart=months]");
        graph?.scrollIntoView({ block: "nearest" });
    }

    /** Open what a figure was made of at a date. */
    async open(key, as_of) {
        const action = await this.orm.call("ar.kpi.report", "get_drill", [
            key,
            { ...this.scope, as_of, window_days: this.data.window_days },
        ]);
        if (action.type === "ir.actions.client") {
            const { options } = action.params;
            return this.action.doAction(action.xml_id, {
                props: { state: { options: { ...options, as_of: this.state.options.as_of && options.as_of } } },
            });
        }
        return this.action.doAction(action);
    }

    // Disputes and letters --------------------------------------------------------

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

    get levels() {
        return this.data.dunning_levels.map((level) => ({
            ...level,
            askedText: this.money(level.asked),
            paidText: this.money(level.paid),
            shareText: this.format("dunning_success", level.share),
        }));
    }

    async openLevel(level) {
        const action = await this.orm.call("ar.kpi.report", "get_drill", [
            "dunning_success",
            { ...this.scope, as_of: this.data.as_of, window_days: this.data.window_days },
        ]);
        return this.action.doAction({
            ...action,
            name: level.name,
            domain: [...action.domain, ["level_id", "=", level.level_id]],
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

    targets(key) {
        return this.data.series.map((point) => point.targets[key] ?? null);
    }

    /** The figure chosen, with its target. */
    get chosenGraph() {
        const key = this.state.chosen;
        const { label, formula, unit } = this.definition(key);
        const datasets = [{ label, data: this.values(key) }];
        if (this.targets(key).some((target) => target !== null)) {
            datasets.push({ label: _t("Target"), data: this.targets(key), isTarget: true });
        }
        return { title: label, note: formula, type: unit === "amount" ? "bar" : "line", datasets };
    }

    get dsoKeys() {
        return ["dso", "countback_dso", "best_possible_dso"];
    }

    get dsoLines() {
        const datasets = this.dsoKeys.map((key) => ({ label: this.definition(key).label, data: this.values(key) }));
        if (this.targets("dso").some((target) => target !== null)) {
            datasets.push({ label: _t("DSO target"), data: this.targets("dso"), isTarget: true });
        }
        return datasets;
    }

    get amountKeys() {
        return ["receivable", "overdue"];
    }

    get amountBars() {
        return this.amountKeys.map((key) => ({ label: this.definition(key).label, data: this.values(key) }));
    }

    openMonth(keys, index, datasetIndex) {
        return this.open(keys[datasetIndex] || keys[0], this.data.series[index].month);
    }

    // Weeks -------------------------------------------------------------------

    get weekLabels() {
        return this.state.weeks.weeks.map(({ week }) => deserializeDate(week).toFormat("d LLL"));
    }

    get weekBars() {
        const { weeks } = this.state.weeks;
        const datasets = [
            { label: _t("Collected"), data: weeks.map((week) => week.collected) },
            { label: _t("Expected"), data: weeks.map((week) => week.expected) },
        ];
        if (weeks.some((week) => week.target !== null)) {
            datasets.push({ label: _t("Target"), data: weeks.map((week) => week.target), isTarget: true });
        }
        return datasets;
    }

    get weekNote() {
        const { doubtful } = this.state.weeks;
        return doubtful
            ? _t("Expected as in the cash forecast. Of what is due in these weeks or before, %s is not expected in them.",
                  this.money(doubtful))
            : _t("Expected as in the cash forecast: as promised, as planned, or as customers usually pay.");
    }

    openWeek(index, datasetIndex) {
        const { week, collected } = this.state.weeks.weeks[index];
        const isExpected = collected === null || datasetIndex === 1;
        const last = deserializeDate(week).plus({ days: 6 }).toISODate();
        const day = last < this.data.as_of ? last : this.data.as_of;
        return isExpected ? this.open("expected", this.data.as_of) : this.open("collected_week", day);
    }
}

registry.category("actions").add("ar_kpi_dashboard", KpiDashboard);
