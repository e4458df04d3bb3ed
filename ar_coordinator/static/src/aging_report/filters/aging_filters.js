// Filters of the aged receivables: dates, customers, grouping, basis and bucket limits.
import { Component, useState } from "@odoo/owl";
import { DateTimeInput } from "@web/core/datetime/datetime_input";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { useDropdownState } from "@web/core/dropdown/dropdown_hooks";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { deserializeDate, formatDate, serializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { MultiRecordSelector } from "@web/core/record_selectors/multi_record_selector";
import { user } from "@web/core/user";
import { DateFilter } from "../../date_filter/date_filter";
import { AgingReportModel } from "../aging_report_model";

export class AgingFilters extends Component {
    static template = "ar_coordinator.AgingFilters";
    static components = { DateFilter, DateTimeInput, Dropdown, DropdownItem, MultiRecordSelector };
    static props = { model: AgingReportModel };

    setup() {
        this.model = useState(this.props.model);
        this.limits = useState({ error: "" });
        this.optionsDropdown = useDropdownState();
    }

    // Dates -------------------------------------------------------------------

    get ageAt() {
        return deserializeDate(this.model.data.age_at);
    }

    get ageAtDiffers() {
        return this.model.data.age_at !== this.model.data.as_of;
    }

    get ageAtLabel() {
        return _t("Aged at %s", formatDate(this.ageAt));
    }

    onAgeAtChange(date) {
        const value = date && serializeDate(date);
        return this.model.update({ age_at: value && value !== this.model.data.as_of ? value : false });
    }

    // Grouping ----------------------------------------------------------------

    get groupings() {
        const groupings = [
            { key: "partner", label: _t("Customer") },
            { key: "salesperson", label: _t("Salesperson") },
            { key: "collector", label: _t("Collector") },
            { key: "country", label: _t("Country") },
            { key: "currency", label: _t("Currency") },
        ];
        if (user.allowedCompanies.length > 1) {
            groupings.push({ key: "company", label: _t("Company") });
        }
        return groupings;
    }

    get groupLabel() {
        return this.groupings.find(({ key }) => key === this.model.data.group_by)?.label || "";
    }

    onGroup(key) {
        const { order } = this.model.options;
        return this.model.update({ group_by: key, order });
    }

    // Basis and buckets -------------------------------------------------------

    get basisLabel() {
        return this.model.data.basis === "due" ? _t("By due date") : _t("By invoice date");
    }

    get limitsText() {
        return this.model.options.bucket_limits.join(", ");
    }

    /** Take "30, 60, 90" as the last day of each column; say what is wrong rather than guess. */
    async onLimitsChange(ev) {
        const parts = ev.target.value.split(/[\s,;]+/).filter(Boolean);
        const limits = parts.map(Number);
        const ascending = limits.every(
            (limit, index) => Number.isInteger(limit) && limit > (index ? limits[index - 1] : 0)
        );
        if (!limits.length || !ascending || limits.length > 12) {
            this.limits.error = _t("Enter 1 to 12 ascending whole numbers of days, for example 30, 60, 90.");
            return;
        }
        this.limits.error = "";
        await this.model.update({ bucket_limits: limits, order: this.isBucketOrder ? "name" : this.model.options.order });
    }

    get isBucketOrder() {
        return /^b\d/.test(this.model.options.order);
    }

    // Customers and companies -------------------------------------------------

    get customersLabel() {
        const count = this.model.options.partner_ids.length;
        return count ? _t("Customers: %s", count) : _t("All customers");
    }

    onPartnersChange(partnerIds) {
        return this.model.update({ partner_ids: partnerIds });
    }

    get companyChip() {
        const ids = this.model.options.company_ids;
        return user.allowedCompanies
            .filter((company) => ids.includes(company.id))
            .map((company) => company.name)
            .join(", ");
    }

    get hasCompanyChip() {
        return this.model.options.company_ids.length && user.activeCompanies.length > 1;
    }
}
