// Client action "ar_table_report": any model that inherits ar.table.report as a screen (params: { model }).
// Filters, tables and texts come from the server (get_screen); here is how they look and how one moves in them.
import { Component, onWillStart, useEffect, useRef, useState } from "@odoo/owl";
import { router } from "@web/core/browser/router";
import { getCurrency } from "@web/core/currency";
import { _t } from "@web/core/l10n/translation";
import { download } from "@web/core/network/download";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { KpiChart } from "../kpi_dashboard/chart/kpi_chart";
import { ReportTable } from "./table/report_table";
import { TableFilters } from "./table_filters";

const STEP = 200; // rows more per click, as ROWS_PER_STEP in models/ar_table_report.py

export class TableReport extends Component {
    static template = "ar_coordinator.TableReport";
    static components = { KpiChart, Layout, ReportTable, TableFilters };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.rootRef = useRef("root");
        this.keepLast = new KeepLast();
        const { action, state } = this.props;
        const { model, ...params } = action.params || {};
        this.reportModel = model;
        this.state = useState({
            options: state?.options || params.options || {},
            shown: {},
            screen: null,
            loading: false,
            exporting: false,
        });
        useSetupAction({
            rootRef: this.rootRef,
            getLocalState: () => ({ options: { ...this.state.options } }),
        });
        const fromAddress = !state?.options && router.current.action === action.path;
        onWillStart(() => this.load(fromAddress ? this.address : {}));
        useEffect(
            () => this.writeAddress(),
            () => [this.state.screen]
        );
    }

    /** The texts of the address; the server picks what is an option of this report. */
    get address() {
        return Object.fromEntries(
            Object.entries(router.current).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
        );
    }

    writeAddress() {
        const texts = {};
        for (const filter of this.screen.filters) {
            for (const key of filter.keys || [filter.key]) {
                const value = this.state.options[key];
                const isSet = Array.isArray(value) ? value.length : value !== undefined && value !== false;
                texts[key] = isSet ? (Array.isArray(value) ? value.join("-") : String(value)) : undefined;
            }
        }
        this.props.updateActionState?.(texts);
    }

    get screen() {
        return this.state.screen;
    }

    async load(address = {}) {
        this.state.loading = true;
        try {
            const screen = await this.keepLast.add(
                this.orm.call(this.reportModel, "get_screen", [
                    { ...this.state.options },
                    { ...this.state.shown },
                    address,
                ])
            );
            this.state.options = screen.options;
            this.state.screen = screen;
        } finally {
            this.state.loading = false;
        }
    }

    /** Change options and load; when the server refuses them, the screen stays as it was. */
    async update(patch) {
        const previous = this.state.options;
        const options = { ...previous, ...patch };
        for (const [key, value] of Object.entries(options)) {
            if (value === undefined || (Array.isArray(value) && !value.length)) {
                delete options[key];
            }
        }
        this.state.options = options;
        this.state.shown = {};
        try {
            await this.load();
        } catch (error) {
            this.state.options = previous;
            throw error;
        }
    }

    showMore(table) {
        this.state.shown = { ...this.state.shown, [table.key]: table.rows.length + STEP };
        return this.load();
    }

    get isEmpty() {
        return this.screen.tables.every((table) => !table.row_count);
    }

    get subtitle() {
        const companies = user.activeCompanies.map((company) => company.name).join(", ");
        const currency = getCurrency(this.screen.currency_id)?.name;
        return currency ? [companies, _t("amounts in %s", currency)].join(" · ") : companies;
    }

    /** Fetch the report as a file. The companies are named, as a download does not carry the company switcher. */
    async onExport(format) {
        if (this.state.exporting) {
            return;
        }
        this.state.exporting = format;
        const options = {
            company_ids: user.activeCompanies.map((company) => company.id),
            ...this.datesShown,
            ...this.state.options,
        };
        try {
            await download({
                url: `/ar_coordinator/table/${this.reportModel}/${format}`,
                data: { options: JSON.stringify(options) },
            });
        } finally {
            this.state.exporting = false;
        }
    }

    /** The dates on the screen, so that the file has the same ones, even over midnight. */
    get datesShown() {
        const dates = {};
        for (const filter of this.screen.filters) {
            if (["date", "period"].includes(filter.type)) {
                for (const key of filter.keys || [filter.key]) {
                    dates[key] = this.screen.values[key];
                }
            }
        }
        return dates;
    }

    /** Open what a row or an amount stands for. */
    async onDrill(drill) {
        if (drill.method) {
            return this.action.doAction(await this.orm.call(this.reportModel, drill.method, drill.args || []));
        }
        if (drill.action) {
            return this.action.doAction(drill.action, { props: { state: { options: drill.options || {} } } });
        }
        const views = drill.res_id ? [[false, "form"]] : [[false, "list"], [false, "form"]];
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: drill.name,
            res_model: drill.model,
            res_id: drill.res_id,
            domain: drill.domain || [],
            context: drill.context || {},
            views,
        });
    }
}

registry.category("actions").add("ar_table_report", TableReport);
