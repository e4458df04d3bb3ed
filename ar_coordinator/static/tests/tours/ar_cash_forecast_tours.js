// Tours through the cash forecast and its back-test; ledgers are built by the tests of the same names.
import { registry } from "@web/core/registry";
import { cell, inAddress, row } from "./report_tour_helpers";

const back = ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button";

registry.category("web_tour.tours").add("ar_cash_forecast", {
    steps: () => [
        { content: "what is open", trigger: cell("Total", "total", "2,033.33") },
        { content: "the customer", trigger: cell("Alder", "later", "200.00") },
        { content: "it ties", trigger: ".o_ar_report:contains('Difference to the general ledger')" },
        { content: "the curve", trigger: ".o_ar_chart canvas" },
        { content: "three cases", trigger: row("Best case") },
        { content: "case", trigger: ".o_ar_filter_choice[data-filter=scenario]", run: "click" },
        { content: "the worst", trigger: ".o-dropdown--menu [data-value=worst]", run: "click" },
        {
            content: "chosen",
            trigger: ".o_ar_filter_choice[data-filter=scenario]:contains('Worst case')",
            run: () => inAddress("scenario=worst"),
        },
        { content: "behind a week", trigger: `${cell("Alder", "w2")} .o_ar_drill`, run: "click" },
        { content: "the promise", trigger: `${row("INV/")} td[data-column=source]:contains('Promise')` },
        { content: "the document", trigger: ".o_ar_report_table tbody .o_ar_first .o_ar_drill", run: "click" },
        { content: "the invoice", trigger: ".o_form_view .o_field_widget[name=amount_residual]:contains('500.00')" },
        { content: "back", trigger: back, run: "click" },
        { content: "the items", trigger: `${row("INV/")} td[data-column=source]:contains('Promise')` },
        { content: "back to the weeks", trigger: back, run: "click" },
        { content: "the weeks", trigger: cell("Total", "w1") },
        { content: "same case", trigger: ".o_ar_filter_choice[data-filter=scenario]:contains('Worst case')" },
        { content: "group", trigger: ".o_ar_filter_choice[data-filter=group_by]", run: "click" },
        { content: "by collector", trigger: ".o-dropdown--menu [data-value=collector]", run: "click" },
        { content: "nobody's", trigger: cell("No collector", "later", "200.00") },
        { content: "export", trigger: ".o_ar_export_xlsx", run: "click" },
        { content: "exported", trigger: ".o_ar_export_xlsx:enabled:not(:has(.fa-spin))" },
        { content: "date", trigger: ".o_ar_filter_date", run: "click" },
        { content: "before the last invoices", trigger: "#o_ar_as_of", run: "edit 05/31/2026 && press Enter" },
        { content: "what was open then", trigger: cell("Total", "total", "833.33") },
    ],
});

registry.category("web_tour.tours").add("ar_cash_backtest", {
    steps: () => [
        { content: "errors", trigger: row("Week 13") },
        { content: "together", trigger: row("First 4 weeks together") },
        { content: "how many", trigger: ".o_ar_filter_choice[data-filter=count]", run: "click" },
        { content: "six", trigger: ".o-dropdown--menu [data-value='6']", run: "click" },
        { content: "chosen", trigger: ".o_ar_filter_choice[data-filter=count]:contains('6 forecasts')" },
        { content: "one of them", trigger: `${row("02/11/2026")} .o_ar_drill`, run: "click" },
        { content: "as it was made", trigger: cell("Harbour", "total", "100.00") },
        { content: "back", trigger: back, run: "click" },
        { content: "the same choice", trigger: ".o_ar_filter_choice[data-filter=count]:contains('6 forecasts')" },
    ],
});

registry.category("web_tour.tours").add("ar_cash_forecast_phone", {
    steps: () => [
        { content: "what matters", trigger: cell("Alder", "weeks") },
        { content: "nothing else", trigger: ".o_ar_report_table:not(:has(th[data-column=w9]))" },
        {
            content: "fits",
            trigger: ".o_ar_report_table",
            run: () => {
                for (const wrapper of document.querySelectorAll(".o_ar_table_wrapper")) {
                    if (wrapper.scrollWidth > wrapper.clientWidth) {
                        throw new Error(`A table is ${wrapper.scrollWidth}px wide on ${wrapper.clientWidth}px`);
                    }
                }
            },
        },
    ],
});
