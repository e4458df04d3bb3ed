// The line that says whether the report agrees with the general ledger, and which entries make a difference.
import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { formatMonetary } from "@web/views/fields/formatters";
import { AgingReportModel } from "../aging_report_model";

export class AgingTieOut extends Component {
    static template = "ar_coordinator.AgingTieOut";
    static props = { model: AgingReportModel };

    setup() {
        this.action = useService("action");
        this.model = useState(this.props.model);
    }

    get tieOut() {
        return this.model.tieOut;
    }

    get isOk() {
        return !this.tieOut.difference_to_ledger && !this.tieOut.differences.length;
    }

    amount(value) {
        return formatMonetary(value, { currencyId: this.model.data.currency_id });
    }

    /** The journal items behind a difference, as a domain; null when none is known. */
    entriesDomain(difference) {
        if (difference.move_line_ids.length) {
            return [["id", "in", difference.move_line_ids]];
        }
        if (difference.kind === "non_trade") {
            return [
                ["company_id", "=", difference.company_id],
                ["account_id.account_type", "=", "asset_receivable"],
                ["account_id.non_trade", "=", true],
                ["parent_state", "=", "posted"],
                ["date", "<=", this.model.data.as_of],
            ];
        }
        return null;
    }

    openEntries(difference) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Difference to the general ledger"),
            res_model: "account.move.line",
            domain: this.entriesDomain(difference),
            views: [[false, "list"], [false, "form"]],
        });
    }
}
