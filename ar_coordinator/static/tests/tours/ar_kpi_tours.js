// Tours through the dashboard of key figures; the ledger is built by tests/test_kpi_tour.py.
import { registry } from "@web/core/registry";

const card = (key, text) => `.o_ar_card[data-kpi=${key}] .o_ar_card_value:contains("${text}")`;

function check(actual, expected) {
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
        throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
    }
}

registry.category("web_tour.tours").add("ar_kpi_dashboard", {
    steps: () => [
        { trigger: card("dso", "45.0 days") },
        { trigger: card("countback_dso", "59.0 days") },
        { trigger: card("best_possible_dso", "12.0 days") },
        { trigger: card("average_days_delinquent", "33.0 days") },
        { trigger: card("cei", "0.0") },
        { trigger: card("average_payment_delay", "20.1 days") },
        { trigger: card("turnover", "1.00 times") },
        { trigger: card("receivable", "15,000.00") },
        { trigger: card("overdue", "11,000.00") },
        { trigger: card("disputed", "1,500.00") },
        { content: "definition on hover", trigger: ".o_ar_card[data-kpi=dso] [data-tooltip*='divided by the sales']" },
        {
            content: "graphs of 12 months",
            trigger: ".o_ar_chart canvas",
            run: () => {
                const [days, amounts] = [...document.querySelectorAll(".o_ar_chart canvas")].map(
                    (canvas) => Chart.getChart(canvas).data
                );
                check(days.labels.length, 12);
                check(days.labels.at(-1), "Mar 2026");
                check(days.datasets.map(({ data }) => data.at(-1)), [45, 59, 12]);
                check(amounts.datasets.map(({ data }) => data.slice(-2)), [[5000, 15000], [0, 11000]]);
            },
        },
        { content: "window", trigger: ".o_ar_filter_window", run: "click" },
        { content: "a longer one", trigger: ".o-dropdown--menu [data-days='60']", run: "click" },
        { content: "50 days old ledger: 15,000 / 15,000 * 50", trigger: card("dso", "50.0 days") },
        { content: "date", trigger: ".o_ar_filter_date", run: "click" },
        { content: "long after", trigger: "#o_ar_as_of", run: "edit 12/31/2026 && press Enter" },
        { content: "no sales: undefined, not zero", trigger: card("dso", "–") },
        { content: "behind the figure", trigger: ".o_ar_card[data-kpi=overdue] button", run: "click" },
        { content: "aged at the same date", trigger: ".o_ar_aging .o_ar_filter_date:contains('12/31/2026')" },
        { content: "same amount", trigger: ".o_ar_totals td[data-column=total]:contains('15,000.00')" },
        {
            content: "the graphs are gone",
            trigger: ".o_ar_aging",
            run: () => check(Object.keys(Chart.instances).length, 0),
        },
        { content: "back", trigger: ".o_back_button", run: "click" },
        { content: "the options survive", trigger: ".o_ar_kpi .o_ar_filter_date:contains('12/31/2026')" },
        { trigger: ".o_ar_filter_window:contains('60')" },
    ],
});

registry.category("web_tour.tours").add("ar_kpi_dashboard_empty", {
    steps: () => [{ trigger: ".o_ar_kpi .o_nocontent_help:contains('Nothing to measure yet')" }],
});
