// The aged table: one row per group, unfolding to open items; totals; sorting by a click on a column.
// On a phone two columns stand for all; the buckets of a row show when it is unfolded.
import { Component, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { formatMonetary } from "@web/views/fields/formatters";
import { getCurrency } from "@web/core/currency";
import { AgingReportModel } from "../aging_report_model";

const sum = (values) => values.reduce((total, value) => total + value, 0);

export class AgingTable extends Component {
    static template = "ar_coordinator.AgingTable";
    static props = {
        model: AgingReportModel,
        companies: String,
        openPartner: Function,
        openItem: Function,
    };

    setup() {
        this.model = useState(this.props.model);
        this.ui = useState(useService("ui"));
    }

    get data() {
        return this.model.data;
    }

    // Columns -----------------------------------------------------------------

    /** All amounts of a row: key (what the server sorts by), label, value of a row, value of an open item. */
    get allColumns() {
        const columns = this.data.buckets.map((bucket, index) => ({
            key: bucket.key,
            label: bucket.label,
            title: this.bucketTitle(bucket),
            sortable: true,
            value: (row) => row.amounts[index],
            itemValue: (item) => (item.residual >= 0 && item.bucket === index ? item.residual : null),
        }));
        columns.push(
            {
                key: "unapplied",
                label: _t("Unapplied"),
                title: _t("Credit notes and payments that are not matched with an invoice yet"),
                sortable: true,
                value: (row) => row.unapplied,
                itemValue: (item) => (item.residual < 0 ? item.residual : null),
            },
            {
                key: "total",
                label: _t("Total"),
                title: _t("All open items, unapplied credits deducted"),
                sortable: true,
                strong: true,
                value: (row) => row.total,
                itemValue: (item) => item.residual,
            },
            {
                key: "disputed",
                label: _t("Disputed"),
                title: _t("Part of the total that customers dispute"),
                sortable: true,
                aside: true,
                value: (row) => row.disputed,
                itemValue: (item) => item.disputed || null,
            }
        );
        if (this.data.totals.promised) {
            columns.push({
                key: "promised",
                label: _t("Promised"),
                title: _t("Part of the total that customers promised to pay"),
                aside: true,
                value: (row) => row.promised,
                itemValue: () => null,
            });
        }
        return columns;
    }

    get columns() {
        if (!this.ui.isSmall) {
            return this.allColumns;
        }
        const overdue = {
            key: "overdue",
            label: _t("Overdue"),
            value: (row) => sum(row.amounts.slice(1)),
            itemValue: (item) => (item.residual >= 0 && item.bucket > 0 ? item.residual : null),
        };
        return [overdue, this.allColumns.find((column) => column.key === "total")];
    }

    bucketTitle({ min_days, max_days }) {
        if (min_days === null) {
            return _t("Due on or after %s", formatDate(deserializeDate(this.data.age_at)));
        }
        return max_days === null
            ? _t("%s days or more", min_days)
            : _t("%(first)s to %(last)s days", { first: min_days, last: max_days });
    }

    /** What a phone shows of an unfolded row, besides its items: the columns that are not zero. */
    breakdown(row) {
        return this.allColumns.filter((column) => column.key !== "total" && column.value(row));
    }

    get groupTitle() {
        return {
            partner: _t("Customer"),
            salesperson: _t("Salesperson"),
            collector: _t("Collector"),
            country: _t("Country"),
            currency: _t("Currency"),
            company: _t("Company"),
        }[this.data.group_by];
    }

    // Sorting -----------------------------------------------------------------

    get order() {
        const [key, direction = "asc"] = this.model.options.order.split(" ");
        return { key, direction };
    }

    ariaSort(key) {
        const { order } = this;
        return order.key !== key ? "none" : order.direction === "desc" ? "descending" : "ascending";
    }

    /** First click: names A to Z, amounts largest first; second click: the other way round. */
    onSort(key) {
        const first = key === "name" ? "asc" : "desc";
        const { order } = this;
        const direction = order.key !== key ? first : order.direction === "desc" ? "asc" : "desc";
        return this.model.update({ order: direction === "asc" ? key : `${key} desc` });
    }

    // Values ------------------------------------------------------------------

    get currencyName() {
        return getCurrency(this.data.currency_id)?.name || "";
    }

    get subtitle() {
        const parts = [this.props.companies];
        parts.push(this.data.basis === "due" ? _t("aged by due date") : _t("aged by invoice date"));
        parts.push(_t("amounts in %s", this.currencyName));
        return parts.join(" · ");
    }

    amount(value, currencyId = this.data.currency_id) {
        return formatMonetary(value, { currencyId, noSymbol: true });
    }

    /** An item's amount in its company's currency; with the symbol where that is not the report's. */
    itemAmount(item, value) {
        const currencyId = item.company_currency_id;
        return formatMonetary(value, { currencyId, noSymbol: currencyId === this.data.currency_id });
    }

    /** The amount in the item's own currency, where that is a foreign one. */
    foreignAmount(item) {
        return item.currency_id === item.company_currency_id
            ? ""
            : formatMonetary(item.residual_currency, { currencyId: item.currency_id });
    }

    itemDate(item) {
        const date = formatDate(deserializeDate(item.age_date));
        return this.data.basis === "due" && item.date_maturity && item.residual >= 0 ? _t("due %s", date) : date;
    }

    itemAge(item) {
        if (item.residual < 0) {
            return "";
        }
        return item.days > 0 ? _t("%s days", item.days) : _t("not due");
    }

    isUnfolded(row) {
        return Boolean(this.model.unfolded[row.id]);
    }

    remaining(row) {
        return row.item_count - this.model.unfolded[row.id].items.length;
    }

    canOpen(row) {
        return this.data.group_by === "partner" && row.id;
    }

    onRowClick(ev, row) {
        if (!ev.target.closest("a, button") && !window.getSelection().toString()) {
            this.model.toggle(row);
        }
    }
}
