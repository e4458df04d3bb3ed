// One key figure: its value, target and what it was a month earlier, its definition on hover, its course as a small
// line. A click on the value leads to what is behind it, one on the line shows the months as a graph.
import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";

const WIDTH = 100; // of the drawing, stretched to the card
const HEIGHT = 28;
const EDGE = 3; // room for the stroke

export class KpiCard extends Component {
    static template = "ar_coordinator.KpiCard";
    static props = {
        name: String,
        label: String,
        formula: String,
        source: String,
        value: String,
        before: { type: String, optional: true },
        beforeLabel: { type: String, optional: true },
        target: { type: String, optional: true },
        isMet: { type: [Boolean, { value: null }], optional: true }, // null: neither way is better
        points: Array, // number or null per month
        targets: Array, // the same of the target
        isChosen: Boolean,
        onOpen: Function,
        onChoose: Function,
    };

    get description() {
        return `${this.props.label}: ${this.props.formula} ${this.props.source}`;
    }

    get definition() {
        return JSON.stringify({ formula: this.props.formula, source: this.props.source });
    }

    get courseTitle() {
        return _t("%s: show the months as a graph", this.props.label);
    }

    get targetTitle() {
        const { isMet, target } = this.props;
        const state = { true: _t("Target reached"), false: _t("Target missed") }[isMet];
        return state ? `${state}: ${target}` : target;
    }

    /** Coordinates of every month and of the target, on one scale. */
    get lines() {
        const { points, targets } = this.props;
        const values = [...points, ...targets].filter((value) => value !== null);
        if (values.length < 2) {
            return { course: "", target: "" };
        }
        const low = Math.min(0, ...values);
        const high = Math.max(...values);
        const step = points.length > 1 ? WIDTH / (points.length - 1) : 0;
        const y = (value) => HEIGHT - EDGE - ((value - low) / (high - low || 1)) * (HEIGHT - 2 * EDGE);
        const path = (series) => {
            let pen = "M"; // a month without meaning is a gap
            return series
                .map((value, index) => {
                    if (value === null) {
                        pen = "M";
                        return "";
                    }
                    const place = `${pen}${(index * step).toFixed(1)},${y(value).toFixed(1)}`;
                    pen = "L";
                    return place;
                })
                .join("");
        };
        return { course: path(points), target: path(targets) };
    }
}
