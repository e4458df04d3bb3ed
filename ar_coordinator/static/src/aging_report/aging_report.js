// Client action "Aged Receivables": filters, table, comparison with the general ledger, export of the same options.
import { Component, onWillStart, useEffect, useRef, useState } from "@odoo/owl";
import { router } from "@web/core/browser/router";
import { download } from "@web/core/network/download";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { usePager } from "@web/search/pager_hook";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { AgingReportModel, optionsFromUrl, optionsToUrl, PAGE_SIZE, REPORT } from "./aging_report_model";
import { AgingFilters } from "./filters/aging_filters";
import { AgingTable } from "./table/aging_table";
import { AgingTieOut } from "./tie_out/aging_tie_out";

export class AgingReport extends Component {
    static template = "ar_coordinator.AgingReport";
    static components = { AgingFilters, AgingTable, AgingTieOut, Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.rootRef = useRef("root");
        this.state = useState({ exporting: false });
        const { options, unfolded, isFresh } = this.initialState();
        this.model = useState(AgingReportModel.create(this.orm, options, unfolded));
        useSetupAction({
            rootRef: this.rootRef,
            getLocalState: () => ({
                options: { ...this.model.options },
                unfolded: this.model.unfoldedKeys,
            }),
        });
        usePager(() => {
            const { data, options } = this.model;
            return data && data.row_count > PAGE_SIZE
                ? {
                      offset: options.offset,
                      limit: PAGE_SIZE,
                      total: data.row_count,
                      isEditable: false,
                      onUpdate: ({ offset }) => this.model.update({ offset }),
                  }
                : undefined;
        });
        onWillStart(async () => {
            await this.model.loadChoices();
            const own = isFresh && this.model.filters.find((one) => one.is_default && one.user_id[0] === user.userId);
            await (own ? this.model.applyFilter(own) : this.model.load());
        });
        // after each load: the address says what is shown (reload, link to a colleague), then the slower comparison
        useEffect(
            () => {
                this.props.updateActionState?.(optionsToUrl(this.model.options));
                this.model.loadTieOut();
            },
            () => [this.model.data]
        );
    }

    /** Options in order of precedence: coming back by the breadcrumb, the address, the button that opened the report. */
    initialState() {
        const { action, state } = this.props;
        if (state?.options) {
            return state;
        }
        const { unfold = false, ...params } = action.params || {};
        const fromUrl = router.current.action === action.path ? optionsFromUrl(router.current) : {};
        const options = { ...params, ...fromUrl };
        // nothing was asked for: the filter the user opens the report with, if he has one
        return { options, unfolded: unfold || [], isFresh: !Object.keys(options).length };
    }

    get isEmpty() {
        return !this.model.data.row_count;
    }

    get companies() {
        const ids = this.model.options.company_ids;
        const companies = ids.length
            ? user.allowedCompanies.filter((company) => ids.includes(company.id))
            : user.activeCompanies;
        return companies.map((company) => company.name).join(", ");
    }

    /** Fetch the report as a file. The companies are named, as a download does not carry the company switcher. */
    async onExport(format) {
        if (this.state.exporting) {
            return;
        }
        this.state.exporting = format;
        const companies = this.model.options.company_ids;
        const options = this.model.serverOptions({
            as_of: this.model.data.as_of,
            age_at: this.model.data.age_at,
            company_ids: companies.length ? [...companies] : user.activeCompanies.map((company) => company.id),
            unfolded: this.model.unfoldedPlaces,
        });
        delete options.offset;
        try {
            await download({
                url: `/ar_coordinator/aging/${format}`,
                data: { options: JSON.stringify(options) },
            });
        } finally {
            this.state.exporting = false;
        }
    }

    openPartner(row) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "res.partner",
            res_id: row.id,
            views: [[false, "form"]],
        });
    }

    /** Open what is behind an amount: its journal items; of the totals those of all rows (of a currency, where the
     *  line says so). */
    async openCell(line, column) {
        const options = line ? this.model.insideOptions(line) : this.model.shownOptions();
        const action = await this.orm.call(REPORT, "get_cell_action", [options, column]);
        return this.action.doAction(action);
    }

    /** Open what an item comes from: the invoice, else the payment or statement line behind the entry. */
    async openItem(item) {
        if (item.move_type === "entry") {
            const action = await this.orm.call("account.move", "action_open_business_doc", [[item.move_id]]);
            return this.action.doAction(action);
        }
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "account.move",
            res_id: item.move_id,
            views: [[false, "form"]],
        });
    }
}

registry.category("actions").add("ar_aging_report", AgingReport);
