// A line or bar graph over months, by Chart.js in the colours of Odoo's own graphs.
import { Component, onWillStart, onWillUnmount, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { cookie } from "@web/core/browser/cookie";
import { getColor, getCustomColor } from "@web/core/colors/colors";
import { formatFloat } from "@web/views/fields/formatters";

export class KpiChart extends Component {
    static template = "ar_coordinator.KpiChart";
    static props = {
        title: String,
        type: { validate: (type) => ["line", "bar"].includes(type) },
        labels: { type: Array, element: String },
        datasets: { type: Array, element: Object }, // { label, data: [number or null per label] }
    };

    setup() {
        this.canvasRef = useRef("canvas");
        this.chart = null;
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => this.draw(),
            () => [JSON.stringify([this.props.labels, this.props.datasets])]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    draw() {
        this.chart?.destroy();
        this.chart = new Chart(this.canvasRef.el, this.config);
    }

    get config() {
        const scheme = cookie.get("color_scheme");
        const text = getCustomColor(scheme, "#111827", "#E4E4E4");
        const grid = getCustomColor(scheme, "rgba(0,0,0,.1)", "rgba(255,255,255,.15)");
        const { datasets, labels, type } = this.props;
        const shorten = (value) => formatFloat(value, { humanReadable: Math.abs(value) >= 1000, digits: [0, 0] });
        return {
            type,
            data: {
                labels,
                datasets: datasets.map((dataset, index) => {
                    const color = getColor(index, scheme, datasets.length);
                    return {
                        ...dataset,
                        backgroundColor: color,
                        borderColor: color,
                        borderRadius: type === "bar" ? 4 : undefined,
                        borderWidth: (dataset.type || type) === "line" ? 2 : 0, // a line may lie over bars
                        pointRadius: 3,
                        spanGaps: false, // an undefined month is a gap, not a zero
                    };
                }),
            },
            options: {
                animation: false,
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                scales: {
                    x: { ticks: { color: text }, grid: { display: false } },
                    y: { beginAtZero: true, ticks: { color: text, callback: shorten }, grid: { color: grid } },
                },
                plugins: {
                    legend: { position: "bottom", labels: { color: text, usePointStyle: true, boxHeight: 6 } },
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
}
