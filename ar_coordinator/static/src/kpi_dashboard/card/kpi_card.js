// One key figure: its value, what it was a month earlier, its definition on hover; a click leads to what is behind it.
import { Component } from "@odoo/owl";

export class KpiCard extends Component {
    static template = "ar_coordinator.KpiCard";
    static props = {
        name: String,
        label: String,
        title: String,
        value: String,
        before: { type: String, optional: true },
        beforeLabel: { type: String, optional: true },
        onOpen: { type: Function, optional: true },
    };
}
