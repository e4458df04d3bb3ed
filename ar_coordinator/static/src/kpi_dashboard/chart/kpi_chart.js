// A line or bar graph over months or weeks, by Chart.js in the colours of Odoo's own graphs.
import { Component, onWillStart, onWillUnmount, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { cookie } from "@web/core/browser/cookie";
import { getColor, getCustomColor } from "@web/core/colors/colors";
import { formatFloat } from "@web/views/fields/formatters";

export class KpiChart extends Component {
    static template = "ar_coordinator.KpiChart";
    static props = {
        title: String,
        name: { type: String, optional: true }, // for those who look for it
        note: { type: String, optional: true },
        type: { validate: (type) => ["line", "bar"].includes(type) },
        labels: { type: Array, element: String },
        // { label, data: [number or null per label], isTarget (a dashed line across) }
        datasets: { type: Array, element: Object },
        onPoint: { type: Function, optional: true }, // (index of the label, index of the dataset)
    };

    setup() {
        this.canvasRef = useRef("canvas");
        this.chart = null;
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => this.draw(),
            () => [JSON.stringify([this.props.type, this.props.labels, this.props.datasets])]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    draw() {
        this.chart?.destroy();
        this.chart = new Chart(this.canvasRef.el, this.config);
    }

    /** Colours and lines of one dataset. */
    dataset({ isTarget, ...dataset }, index, scheme) {
        if (isTarget) {
            const color = getCustomColor(scheme, "#495057", "#CED4DA");
            return {
                ...dataset,
                type: "line",
                order: -1, // above the bars
                backgroundColor: color,
                borderColor: color,
                borderDash: [6, 4],
                borderWidth: 2,
                pointRadius: 0,
                spanGaps: false,
            };
        }
        const color = getColor(index, scheme, this.props.datasets.length);
        const isBar = (dataset.type || this.props.type) === "bar"; // a line may lie over bars
        return {
            ...dataset,
            backgroundColor: color,
            borderColor: color,
            borderRadius: isBar ? 4 : undefined,
            borderWidth: isBar ? 0 : 2,
            pointRadius: 3,
            spanGaps: false, // an undefined month is a gap, not a zero
        };
    }

    get config() {
        const scheme = cookie.get("color_scheme");
        const text = getCustomColor(scheme, "#111827", "#E4E4E4");
        const grid = getCustomColor(scheme, "rgba(0,0,0,.1)", "rgba(255,255,255,.15)");
        const { datasets, labels, type, onPoint } = this.props;
        const shorten = (value) => formatFloat(value, { humanReadable: Math.abs(value) >= 1000, digits: [0, 0] });
        return {
            type,
            data: { labels, datasets: datasets.map((dataset, index) => this.dataset(dataset, index, scheme)) },
            options: {
                animation: false,
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                onClick: (ev, elements) => onPoint && this.onClick(ev, elements),
                onHover: (ev, elements) => {
                    ev.native.target.style.cursor = onPoint && elements.length ? "pointer" : "default";
                },
                scales: {
                    x: { ticks: { color: text }, grid: { display: false } },
                    y: { beginAtZero: true, ticks: { color: text, callback: shorten }, grid: { color: grid } },
                },
                plugins: {
                    legend: { position: "bottom", labels: this.legend(text) },
                    tooltip: {
                        callbacks: {
                            label: ({ dataset, raw }) =>
                                `${dataset.label}: ${raw === null ? "–" : formatFloat(raw, { digits: [0, type === "line" ? 1 : 2] })}`,
                        },
                    },
                },
            },
        };
    }

    /** Names in the order of the data, whatever is drawn above what. */
    legend(color) {
        return { color, usePointStyle: true, boxHeight: 6, sort: (a, b) => a.datasetIndex - b.datasetIndex };
    }

    /** The month clicked at, and the line or bar nearest to the pointer. */
    onClick(ev, elements) {
        if (!elements.length) {
            return;
        }
        const [nearest] = this.chart.getElementsAtEventForMode(ev, "nearest", { intersect: false }, true);
        return this.props.onPoint(elements[0].index, nearest ? nearest.datasetIndex : 0);
    }
}
