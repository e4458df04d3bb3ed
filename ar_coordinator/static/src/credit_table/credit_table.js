/**
 * A table of a customer's credit (HTML made by the server) whose marked rows open the documents behind them: what has
 * data-ar-part belongs to the customer data-ar-partner in the company data-ar-company.
 */
import { Component, markup } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

export class CreditTable extends Component {
    static template = "ar_coordinator.CreditTable";
    static props = { ...standardFieldProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
    }

    get table() {
        return markup(this.props.record.data[this.props.name] || "");
    }

    async onClick(ev) {
        const link = ev.target.closest("[data-ar-part]");
        if (!link) {
            return;
        }
        ev.preventDefault();
        const { arPart, arPartner, arCompany } = link.dataset;
        const action = await this.orm.call("res.partner", "action_ar_view_exposure", [
            [Number(arPartner)],
            arPart,
            Number(arCompany),
        ]);
        await this.action.doAction(action);
    }
}

registry.category("fields").add("ar_credit_table", {
    component: CreditTable,
    supportedTypes: ["html"],
});
