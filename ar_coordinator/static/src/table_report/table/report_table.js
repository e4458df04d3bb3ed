// One table of a report: rows that fold, amounts that open what they stand for, arrow keys from row to row.
import { Component, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { useService } from "@web/core/utils/hooks";
import { formatFloat, formatInteger, formatMonetary } from "@web/views/fields/formatters";

const ISO_DATE = /^\d{4}-\d{2}-\d{2}$/; // anything else in a column of dates is a label
const DASH = "–"; // a figure without meaning is not a zero

export class ReportTable extends Component {
    static template = "ar_coordinator.ReportTable";
    static props = { table: Object, onDrill: Function, onMore: Function };

    setup() {
        this.ui = useState(useService("ui"));
        this.state = useState({ toggled: {} }); // keys of rows folded or unfolded by the user
    }

    get columns() {
        const { columns } = this.props.table;
        return this.ui.isSmall ? columns.filter((column) => column.phone !== false) : columns;
    }

    // Rows ----------------------------------------------------------------------

    /** Rows with whether they have parts, and without those of folded rows. */
    get rows() {
        const rows = [];
        let parent = null;
        for (const row of this.props.table.rows) {
            if (row.level === 1) {
                if (parent) {
                    parent.hasParts = true;
                }
                if (parent && this.isFolded(parent.row)) {
                    continue;
                }
            }
            const entry = { row, hasParts: false };
            if (row.level !== 1) {
                parent = entry;
            }
            rows.push(entry);
        }
        return rows;
    }

    /** Whether amounts are in other currencies than the one above the report: then each says its own. */
    get isMixed() {
        const { rows, currency_id: currencyId } = this.props.table;
        return rows.some((row) => row.currency_id && row.currency_id !== currencyId);
    }

    get remaining() {
        return this.props.table.row_count - this.props.table.rows.length;
    }

    isFolded(row) {
        return Boolean(this.props.table.folded) !== Boolean(this.state.toggled[row.key]);
    }

    toggle(row) {
        this.state.toggled[row.key] = !this.state.toggled[row.key];
    }

    /** Arrow keys move, Enter opens the row, left and right fold and unfold it. */
    onKeydown(ev, { row, hasParts }) {
        const line = ev.currentTarget;
        const next = { ArrowDown: line.nextElementSibling, ArrowUp: line.previousElementSibling }[ev.key];
        if (next) {
            next.focus();
        } else if (ev.key === "Enter" && ev.target === line && row.drill) {
            this.props.onDrill(row.drill);
        } else if (hasParts && ev.key === (this.isFolded(row) ? "ArrowRight" : "ArrowLeft")) {
            this.toggle(row);
        } else {
            return;
        }
        ev.preventDefault();
    }

    onRowClick(ev, row) {
        if (row.drill && !ev.target.closest("a, button") && !window.getSelection().toString()) {
            this.props.onDrill(row.drill);
        }
    }

    // Cells ---------------------------------------------------------------------

    isNumber(column) {
        return !["text", "date"].includes(column.type);
    }

    drill(row, column, isFirst) {
        return row.drills?.[column.key] || (isFirst ? row.drill : null);
    }

    text(row, column) {
        const value = row.cells[column.key];
        if (value === null || value === undefined || value === false) {
            return this.isNumber(column) && row.cells[column.key] === null ? DASH : "";
        }
        const currencyId = row.currency_id || this.props.table.currency_id;
        const formats = {
            date: () => (ISO_DATE.test(value) ? formatDate(deserializeDate(value)) : value),
            amount: () =>
                formatMonetary(value, {
                    currencyId,
                    noSymbol: !this.isMixed,
                }),
            percent: () => `${formatFloat(value * 100, { digits: [0, 2] })}\u00a0%`,
            days: () => formatFloat(value, { digits: [0, 1] }),
            integer: () => formatInteger(value),
            number: () => formatFloat(value, { digits: [0, 2] }),
        };
        return formats[column.type] ? formats[column.type]() : String(value);
    }

    checkAmount(check) {
        return formatMonetary(check.amount, { currencyId: check.currency_id || this.props.table.currency_id });
    }
}
