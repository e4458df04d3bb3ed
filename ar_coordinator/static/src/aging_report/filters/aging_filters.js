// Filters of the aged receivables: dates, customers and more, grouping in two levels, basis, buckets, columns, saved
// filters.
import { Component, useState } from "@odoo/owl";
import { DateTimeInput } from "@web/core/datetime/datetime_input";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { deserializeDate, formatDate, serializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { MultiRecordSelector } from "@web/core/record_selectors/multi_record_selector";
import { user } from "@web/core/user";
import { DateFilter } from "../../date_filter/date_filter";
import { AgingReportModel, DEFAULT_LIMITS, FILTERS } from "../aging_report_model";

const FILTER_MODELS = {
    collector_ids: { model: "res.users", domain: [["share", "=", false]] },
    salesperson_ids: { model: "res.users", domain: [["share", "=", false]] },
    country_ids: { model: "res.country" },
    tag_ids: { model: "res.partner.category" },
    risk_class_ids: { model: "ar.credit.class" },
    credit_group_ids: { model: "ar.credit.group" },
    account_ids: { model: "account.account", domain: [["account_type", "=", "asset_receivable"]] },
    currency_ids: { model: "res.currency" },
};

export class AgingFilters extends Component {
    static template = "ar_coordinator.AgingFilters";
    static components = { DateFilter, DateTimeInput, Dropdown, DropdownItem, MultiRecordSelector };
    static props = { model: AgingReportModel };

    setup() {
        this.model = useState(this.props.model);
        this.limits = useState({ error: "" });
        this.saving = useState({ name: "", isShared: false, isDefault: false });
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

    get compareTo() {
        return this.model.data.compare_to ? deserializeDate(this.model.data.compare_to) : false;
    }

    get compareLabel() {
        return _t("Since %s", formatDate(this.compareTo));
    }

    get comparePresets() {
        const asOf = deserializeDate(this.model.data.as_of);
        return [
            { key: "week", label: _t("A week before"), date: asOf.minus({ weeks: 1 }) },
            { key: "month", label: _t("A month before"), date: asOf.minus({ months: 1 }) },
            { key: "end", label: _t("End of the month before"), date: asOf.startOf("month").minus({ days: 1 }) },
            { key: "year", label: _t("A year before"), date: asOf.minus({ years: 1 }) },
        ];
    }

    onCompare(date) {
        return this.model.update({ compare_to: date ? serializeDate(date) : false });
    }

    // Grouping ----------------------------------------------------------------

    get groupings() {
        return this.model.choices.groups;
    }

    get groupLabel() {
        const label = (key) => this.groupings.find((group) => group.key === key)?.label || key;
        return this.model.data.groups.map(label).join(" / ");
    }

    onGroup(key) {
        const second = this.model.options.group_by[1];
        return this.model.update({ group_by: second && second !== key ? [key, second] : [key] });
    }

    /** Unfold the groups to another grouping; the same again: to their items. */
    onSecondGroup(key) {
        const [first, second] = this.model.options.group_by;
        return this.model.update({ group_by: key === second ? [first] : [first, key] });
    }

    // Basis, buckets, currency ------------------------------------------------

    get basisLabel() {
        return this.model.data.basis === "due" ? _t("By due date") : _t("By invoice date");
    }

    get units() {
        return [
            { key: "days", label: _t("Columns of days") },
            { key: "months", label: _t("Columns of months back") },
            { key: "calendar", label: _t("Columns of calendar months") },
        ];
    }

    get limitsLabel() {
        return this.model.options.bucket_by === "days" ? _t("Last day of each column") : _t("Last month of each column");
    }

    get limitsText() {
        return this.model.options.bucket_limits.join(", ");
    }

    onUnit(unit) {
        this.limits.error = "";
        return this.model.update({ bucket_by: unit, bucket_limits: DEFAULT_LIMITS[unit] });
    }

    /** Take "30, 60, 90" as the last day of each column; say what is wrong rather than guess. */
    async onLimitsChange(ev) {
        const parts = ev.target.value.split(/[\s,;]+/).filter(Boolean);
        const limits = parts.map(Number);
        const ascending = limits.every(
            (limit, index) => Number.isInteger(limit) && limit > (index ? limits[index - 1] : 0)
        );
        if (!limits.length || !ascending || limits.length > 12) {
            this.limits.error = _t("Enter 1 to 12 ascending whole numbers, for example 30, 60, 90.");
            return;
        }
        this.limits.error = "";
        await this.model.update({ bucket_limits: limits });
    }

    // Columns -----------------------------------------------------------------

    /** All columns: those shown, in their order, then the others. */
    get columnChoices() {
        const { columns } = this.model.choices;
        const shown = this.shownColumns;
        return [
            ...shown.map((key) => ({ ...columns.find((column) => column.key === key), isShown: true })),
            ...columns.filter((column) => !shown.includes(column.key)),
        ];
    }

    get shownColumns() {
        const { columns } = this.model.choices;
        const known = columns.map(({ key }) => key);
        return (
            this.model.options.columns?.filter((key) => known.includes(key)) ||
            columns.filter((column) => column.by_default).map(({ key }) => key)
        );
    }

    onToggleColumn(key) {
        const shown = this.shownColumns;
        const columns = shown.includes(key) ? shown.filter((one) => one !== key) : [...shown, key];
        return columns.length && this.model.setColumns(columns);
    }

    /** Move a column one place towards the name, or away from it. */
    onMoveColumn(key, step) {
        const columns = [...this.shownColumns];
        const from = columns.indexOf(key);
        const to = Math.min(Math.max(from + step, 0), columns.length - 1);
        columns.splice(to, 0, ...columns.splice(from, 1));
        return this.model.setColumns(columns);
    }

    // Customers and more ------------------------------------------------------

    get customersLabel() {
        const { options } = this.model;
        const more = FILTERS.filter((name) => options[name].length).length;
        const count = options.partner_ids.length;
        if (count && !more) {
            return _t("Customers: %s", count);
        }
        return more ? _t("Filters: %s", more + (count ? 1 : 0)) : _t("All customers");
    }

    get isFiltered() {
        return this.model.options.partner_ids.length || FILTERS.some((name) => this.model.options[name].length);
    }

    get recordFilters() {
        if (this.model.data.is_restricted) {
            return []; // salespeople need not read what these are about
        }
        const labels = {
            collector_ids: _t("Collectors"),
            salesperson_ids: _t("Salespeople"),
            country_ids: _t("Countries"),
            tag_ids: _t("Tags"),
            risk_class_ids: _t("Risk classes"),
            credit_group_ids: _t("Credit groups"),
            account_ids: _t("Accounts"),
            currency_ids: _t("Currencies"),
        };
        return FILTERS.map((name) => ({
            name,
            label: labels[name],
            model: FILTER_MODELS[name].model,
            domain: FILTER_MODELS[name].domain || [],
            ids: this.model.options[name].filter(Boolean),
        }));
    }

    onFilterChange(name, ids) {
        return this.model.update({ [name]: ids });
    }

    onPartnersChange(partnerIds) {
        return this.model.update({ partner_ids: partnerIds });
    }

    onClearFilters() {
        return this.model.update({ partner_ids: [], ...Object.fromEntries(FILTERS.map((name) => [name, []])) });
    }

    // Saved filters -----------------------------------------------------------

    get savedLabel() {
        return this.model.filters.find(({ id }) => id === this.model.filterId)?.name || _t("Favorites");
    }

    isOwn(filter) {
        return filter.user_id[0] === user.userId;
    }

    async onSave() {
        const name = this.saving.name.trim();
        if (name) {
            await this.model.saveFilter(name, this.saving.isShared, this.saving.isDefault);
            Object.assign(this.saving, { name: "", isShared: false, isDefault: false });
        }
    }

    // Companies ---------------------------------------------------------------

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
