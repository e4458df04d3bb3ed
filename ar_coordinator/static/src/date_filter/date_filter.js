// The date of a report: a button that says "As of ...", with presets, a date field and room for more (default slot).
import { Component } from "@odoo/owl";
import { DateTimeInput } from "@web/core/datetime/datetime_input";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { deserializeDate, formatDate, serializeDate, today } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";

export class DateFilter extends Component {
    static template = "ar_coordinator.DateFilter";
    static components = { DateTimeInput, Dropdown, DropdownItem };
    static props = {
        value: String, // ISO date
        isToday: Boolean, // no date chosen: the screen follows the calendar
        onChange: Function, // ISO date, or false for "always today"
        slots: { type: Object, optional: true },
    };

    get date() {
        return deserializeDate(this.props.value);
    }

    get label() {
        return _t("As of %s", formatDate(this.date));
    }

    get presets() {
        const now = today();
        return [
            { key: "today", label: _t("Today"), value: false },
            { key: "month", label: _t("End of last month"), date: now.startOf("month") },
            { key: "quarter", label: _t("End of last quarter"), date: now.startOf("quarter") },
            { key: "year", label: _t("End of last year"), date: now.startOf("year") },
        ].map(({ date, ...preset }) =>
            date ? { ...preset, value: serializeDate(date.minus({ days: 1 })) } : preset
        );
    }

    isSelected(preset) {
        return preset.value ? !this.props.isToday && preset.value === this.props.value : this.props.isToday;
    }

    onDateChange(date) {
        if (date) {
            this.props.onChange(serializeDate(date));
        }
    }
}
