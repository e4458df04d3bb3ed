// The aged table: rows of one or two levels that unfold to open items; totals; sorting by a click on a column; each
// amount opens what is behind it. Arrow keys walk through it. On a phone two columns stand for all; the others show
// when a row is unfolded.
import { Component, useRef, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { formatFloat, formatMonetary } from "@web/views/fields/formatters";
import { getCurrency } from "@web/core/currency";
import { AgingReportModel } from "../aging_report_model";

const sum = (values) => values.reduce((total, value) => total + value, 0);
const NOTHING = "–"; // a figure without meaning is not a zero

export class AgingTable extends Component {
    static template = "ar_coordinator.AgingTable";
    static props = {
        model: AgingReportModel,
        companies: String,
        openPartner: Function,
        openItem: Function,
        openCell: Function,
    };

    setup() {
        this.model = useState(this.props.model);
        this.ui = useState(useService("ui"));
        this.bodyRef = useRef("body");
    }

    get data() {
        return this.model.data;
    }

    // Columns -----------------------------------------------------------------

    get columns() {
        const columns = this.data.columns.filter((column) => !column.change_of);
        if (!this.ui.isSmall) {
            return columns;
        }
        const overdue = { key: "overdue", label: _t("Overdue"), type: "amount", aside: false };
        const total = columns.find((column) => column.key === "total") || {
            key: "total", label: _t("Total"), type: "amount", aside: false, sortable: true,
        };
        return [overdue, total];
    }

    get buckets() {
        return Object.fromEntries(this.data.buckets.map(({ key }, index) => [key, index]));
    }

    /** Value of a row or of totals in a column; undefined where there is none. */
    value(row, key) {
        if (key === "overdue") {
            return sum(row.amounts.slice(1));
        }
        if (key === "change") {
            return row.total - row.compare.total;
        }
        if (key === "before") {
            return row.compare.total;
        }
        return key in this.buckets ? row.amounts[this.buckets[key]] : row[key];
    }

    /** What a bucket or the unapplied credits changed since the date compared with; null where nothing is compared. */
    change(row, key) {
        if (!row.compare || !(key in this.buckets || key === "unapplied")) {
            return null;
        }
        return this.value(row, key) - this.value(row.compare, key);
    }

    /** Value of an open item in a column; null where it does not count. */
    itemValue(item, key) {
        const end = this.data.amounts_in === "document" ? "_currency" : "_report";
        const amount = item[`residual${end}`];
        if (key in this.buckets) {
            return item.residual >= 0 && item.bucket === this.buckets[key] ? amount : null;
        }
        switch (key) {
            case "unapplied":
                return item.residual < 0 ? amount : null;
            case "overdue":
                return item.residual >= 0 && item.bucket > 0 ? amount : null;
            case "total":
                return amount;
            case "disputed":
            case "promised":
                return item[`${key}${end}`] || null;
            default:
                return null;
        }
    }

    /** What a phone shows of an unfolded row, besides its items: the columns that are not zero. */
    breakdown(row) {
        return this.data.columns.filter(
            ({ key, change_of }) => key !== "total" && !change_of && this.value(row, key)
        );
    }

    groupLabel(key) {
        return this.model.choices.groups.find((group) => group.key === key)?.label || key;
    }

    get groupTitle() {
        return this.data.groups.map((key) => this.groupLabel(key)).join(" / ");
    }

    // Sorting -----------------------------------------------------------------

    get order() {
        return this.model.order;
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

    currencyName(currencyId) {
        return getCurrency(currencyId)?.name || "";
    }

    get isInDocument() {
        return this.data.amounts_in === "document";
    }

    get totals() {
        const totals = this.data.totals_by_currency || [this.data.totals];
        return totals.map((total, index) => ({
            ...total,
            key: index,
            label: this.isInDocument ? _t("Total %s", this.currencyName(total.currency_id)) : _t("Total"),
        }));
    }

    get subtitle() {
        const parts = [this.props.companies];
        parts.push(this.data.basis === "due" ? _t("aged by due date") : _t("aged by invoice date"));
        if (this.data.compare_to) {
            parts.push(_t("compared with %s", formatDate(deserializeDate(this.data.compare_to))));
        }
        parts.push(
            this.isInDocument
                ? _t("amounts in the documents' currencies")
                : _t("amounts in %s", this.currencyName(this.data.currency_id))
        );
        if (this.data.is_restricted) {
            parts.push(_t("your customers only"));
        }
        return parts.join(" · ");
    }

    amount(value, currencyId) {
        return formatMonetary(value, { currencyId: currencyId || this.data.currency_id, noSymbol: true });
    }

    /** A value of a row as text; the total of a column that cannot be added up is empty. */
    text(row, column, isTotal = false) {
        const value = this.value(row, column.key);
        if (value === undefined || value === null || value === false) {
            return isTotal ? "" : NOTHING;
        }
        switch (column.type) {
            case "amount":
                return this.amount(value, row.currency_id);
            case "date":
                return formatDate(deserializeDate(value));
            case "percent":
                return `${formatFloat(value, { digits: [16, 0] })} %`;
            case "days":
                return formatFloat(value, { digits: [16, Number.isInteger(value) ? 0 : 1] });
            default:
                return String(value);
        }
    }

    changeText(row, column) {
        const change = this.change(row, column.key);
        return change ? `${change > 0 ? "+" : ""}${this.amount(change, row.currency_id)}` : "";
    }

    /** An item's amount, in the currency of the row it belongs to. */
    itemAmount(item, value) {
        const currencyId = this.isInDocument ? item.currency_id : this.data.currency_id;
        return formatMonetary(value, { currencyId, noSymbol: true });
    }

    /** The amount in the item's own currency, where that is a foreign one and not the one shown. */
    foreignAmount(item) {
        return this.isInDocument || item.currency_id === this.data.currency_id
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
        return item.days > 1 ? _t("%s days", item.days) : item.days === 1 ? _t("1 day") : _t("not due");
    }

    namesCustomers(line) {
        return this.data.groups.includes("partner");
    }

    canOpen(line) {
        return ["partner", "parent"].includes(this.data.groups[line.level]) && line.row.id;
    }

    canDrill(row, column) {
        return !this.data.is_restricted && Boolean(this.value(row, column.key));
    }

    // Mouse and keyboard ------------------------------------------------------

    onRowClick(ev, line) {
        if (!ev.target.closest("a, button") && !window.getSelection().toString()) {
            this.model.toggle(line);
        }
    }

    /** Arrows walk and unfold, Enter opens, Escape folds everything. */
    onKeydown(ev) {
        const rows = [...this.bodyRef.el.querySelectorAll("tr[data-line]")];
        const current = rows.indexOf(ev.target.closest("tr[data-line]"));
        if (current < 0 || ev.ctrlKey || ev.altKey || ev.metaKey) {
            return;
        }
        const line = this.model.lines.find(({ key }) => key === rows[current].dataset.line);
        const moves = { ArrowDown: current + 1, ArrowUp: current - 1, Home: 0, End: rows.length - 1 };
        if (ev.key in moves) {
            rows[Math.min(Math.max(moves[ev.key], 0), rows.length - 1)].focus();
        } else if (ev.key === "ArrowRight" && line.type === "row" && !line.unfolded) {
            this.model.toggle(line);
        } else if (ev.key === "ArrowLeft" && line.type === "row" && line.unfolded) {
            this.model.toggle(line);
        } else if (ev.key === "ArrowLeft" && line.level) {
            const level = (row) => Number(row.dataset.level);
            rows.slice(0, current).reverse().find((row) => level(row) < line.level)?.focus();
        } else if (ev.key === "Escape") {
            this.model.foldAll();
            rows[0].focus();
        } else if (ev.key === "Enter" && ev.target === rows[current]) {
            if (line.type === "item") {
                this.props.openItem(line.item);
            } else if (this.canOpen(line)) {
                this.props.openPartner(line.row);
            } else {
                this.model.toggle(line);
            }
        } else {
            return;
        }
        ev.preventDefault();
        ev.stopPropagation();
    }
}
