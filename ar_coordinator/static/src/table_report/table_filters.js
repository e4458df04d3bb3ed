// The filters a report offers (see ar.table.report._get_filters): a day, a period, a choice, or chosen records.
import { Component } from "@odoo/owl";
import { DateTimeInput } from "@web/core/datetime/datetime_input";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { deserializeDate, formatDate, serializeDate, today } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { MultiRecordSelector } from "@web/core/record_selectors/multi_record_selector";
import { DateFilter } from "../date_filter/date_filter";

export class TableFilters extends Component {
    static template = "ar_coordinator.TableFilters";
    static components = { DateFilter, DateTimeInput, Dropdown, DropdownItem, MultiRecordSelector };
    static props = {
        filters: { type: Array, element: Object },
        values: Object, // of every option, defaults included
        options: Object, // those that were chosen
        update: Function,
    };

    setup() {
        // an open menu was given the props of when it was opened; this gives it those of now
        this.now = () => this.props;
    }

    // One day -----------------------------------------------------------------

    onDay(filter, date) {
        return this.props.update({ [filter.key]: date || undefined });
    }

    // A period ----------------------------------------------------------------

    period(filter) {
        return filter.keys.map((key) => deserializeDate(this.props.values[key]));
    }

    periodLabel(filter) {
        const [first, last] = this.period(filter).map((date) => formatDate(date));
        return _t("%(first)s to %(last)s", { first, last });
    }

    get presets() {
        const now = today();
        const spans = [
            { key: "month", label: _t("This month"), unit: "month", back: 0 },
            { key: "last_month", label: _t("Last month"), unit: "month", back: 1 },
            { key: "last_quarter", label: _t("Last quarter"), unit: "quarter", back: 1 },
            { key: "year", label: _t("This year"), unit: "year", back: 0 },
            { key: "last_year", label: _t("Last year"), unit: "year", back: 1 },
        ];
        return spans.map(({ unit, back, ...preset }) => {
            const day = now.minus({ [`${unit}s`]: back });
            return { ...preset, span: [day.startOf(unit), back ? day.endOf(unit) : now].map((date) => serializeDate(date)) };
        });
    }

    isPreset(filter, preset) {
        return filter.keys.every((key, index) => this.props.values[key] === preset.span[index]);
    }

    onPeriod(filter, span) {
        return this.props.update(Object.fromEntries(filter.keys.map((key, index) => [key, span[index]])));
    }

    /** One end of the period; the other one moves along rather than to make no period. */
    onEnd(filter, index, date) {
        if (!date) {
            return;
        }
        const span = filter.keys.map((key) => this.props.values[key]);
        span[index] = serializeDate(date);
        if (span[0] > span[1]) {
            span[1 - index] = span[index];
        }
        return this.onPeriod(filter, span);
    }

    // A choice ----------------------------------------------------------------

    choiceLabel(filter) {
        return filter.choices.find(({ value }) => value === this.props.values[filter.key])?.label || filter.label;
    }

    // Records -----------------------------------------------------------------

    ids(filter) {
        return this.now().values[filter.key] || [];
    }

    recordsLabel(filter) {
        const count = this.ids(filter).length;
        return count ? _t("%(label)s: %(count)s", { label: filter.label, count }) : filter.label;
    }
}
