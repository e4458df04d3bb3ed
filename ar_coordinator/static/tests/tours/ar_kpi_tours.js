// Tours through the dashboard of key figures; the ledger is built by tests/test_kpi_tour.py.
import { registry } from "@web/core/registry";

const card = (key, text) => `.o_ar_card[data-kpi=${key}] .o_ar_card_value:contains("${text}")`;

const graph = (name) => Chart.getChart(document.querySelector(`[data-chart=${name}] canvas`)).data;

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
        { trigger: card("overdue_share", "73.3") },
        { trigger: card("disputed_share", "10.0") },
        { trigger: card("promise_kept_rate", "–") },
        { trigger: card("collected_week", "0.00") },
        { content: "target missed", trigger: ".o_ar_card[data-kpi=dso] .o_ar_card_target:contains('Target: 40.0 days') .fa-exclamation-triangle" },
        { content: "definition on hover", trigger: ".o_ar_card[data-kpi=dso] .o_ar_card_label", run: "hover" },
        { content: "formula", trigger: ".o_ar_definition:contains('divided by the sales')" },
        { content: "and source", trigger: ".o_ar_definition:contains('posted customer invoices')" },
        {
            content: "graphs of 12 months",
            trigger: "[data-chart=amounts] canvas",
            run: () => {
                const [months, weeks, days, amounts] = ["months", "weeks", "dso", "amounts"].map(graph);
                check(months.datasets.map(({ label, data }) => [label, data.at(-2)]), [["Overdue share", 0]]);
                check(days.labels.length, 12);
                check(days.labels.at(-1), "Mar 2026");
                check(days.datasets.map(({ data }) => data.at(-1)), [45, 59, 12, 40]);
                check(amounts.datasets.map(({ data }) => data.slice(-2)), [[5000, 15000], [0, 11000]]);
                check(weeks.labels.length, 22);
                // as the cash forecast has them: most in the week of 13 April, when 4,000 are due
                check(weeks.datasets[1].data.slice(7, 12), [null, 852.16, 927.06, 1826.18, 1075.39]);
            },
        },
        { content: "another figure", trigger: ".o_ar_card[data-kpi=dso] .o_ar_card_course", run: "click" },
        {
            content: "in the graph, with its target",
            trigger: "[data-chart=months]:contains('divided by the sales') canvas",
            run: () => check(graph("months").datasets.map(({ label, data }) => [label, data.at(-1)]), [["DSO", 45], ["Target", 40]]),
        },
        {
            content: "a month of a graph leads to that month's documents",
            trigger: "[data-chart=amounts] canvas",
            run: () => {
                const canvas = document.querySelector("[data-chart=amounts] canvas");
                const chart = Chart.getChart(canvas);
                const { x, y } = chart.getDatasetMeta(0).data.at(-2);
                const { left, top } = canvas.getBoundingClientRect();
                const place = { clientX: left + x, clientY: top + y + 5, bubbles: true };
                canvas.dispatchEvent(new MouseEvent("mousemove", place));
                canvas.dispatchEvent(new MouseEvent("click", place));
            },
        },
        { content: "February's receivables", trigger: ".o_ar_aging .o_ar_filter_date:contains('02/28/2026')" },
        { trigger: ".o_ar_totals td[data-column=total]:contains('5,000.00')" },
        { content: "back", trigger: ".o_back_button", run: "click" },
        { content: "the figure chosen survives", trigger: ".o_ar_card[data-kpi=dso].o_ar_chosen" },
        { content: "disputes behind the card", trigger: ".o_ar_card[data-kpi=disputed] button", run: "click" },
        { trigger: ".o_list_view .o_data_row:contains('Alder')" },
        { content: "back", trigger: ".o_back_button", run: "click" },
        { content: "filter by collector", trigger: "[data-filter=collector_ids]", run: "click" },
        { trigger: ".o_ar_partner_selector input", run: "edit Kit Collector" },
        { trigger: ".o-autocomplete--dropdown-item:contains('Kit Collector')", run: "click" },
        { content: "only his customer's", trigger: card("receivable", "9,000.00") },
        { content: "the open menu shows whom", trigger: ".o_ar_partner_selector .o_tag:contains('Kit Collector')" },
        // visible when the pointer is over it only
        { content: "no filter", trigger: ".o_ar_partner_selector .o_tag .o_delete:not(:visible)", run: "click" },
        { content: "everybody's again", trigger: card("receivable", "15,000.00") },
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
