// Tours through the aged receivables; the ledger is built by tests/test_aging_tour.py.
import { registry } from "@web/core/registry";

const row = (name) => `.o_ar_row:has(.o_ar_name:contains("${name}"))`;
const cell = (name, column, text) => `${row(name)} td[data-column=${column}]:contains("${text}")`;
const total = (column, text) => `.o_ar_totals td[data-column=${column}]:contains("${text}")`;

registry.category("web_tour.tours").add("ar_aging_report", {
    steps: () => [
        { content: "35 days overdue", trigger: cell("Harbour", "b2", "5,500.00") },
        { content: "30 days overdue is the first column", trigger: cell("Alder", "b1", "800.00") },
        { content: "credits beside", trigger: cell("Alder", "unapplied", "-250.00") },
        { content: "disputed", trigger: cell("Alder", "disputed", "300.00") },
        { content: "net total", trigger: total("total", "6,250.00") },
        { content: "ties out", trigger: ".o_ar_tie_out_ok:contains('0.00')" },
        { content: "largest first", trigger: "th[data-column=total] .o_ar_sort", run: "click" },
        { content: "sorted", trigger: "th[data-column=total][aria-sort=descending]" },
        { content: "Harbour leads", trigger: ".o_ar_table tbody tr:first-child .o_ar_name:contains('Harbour')" },
        { content: "unfold", trigger: `${row("Harbour")} .o_ar_toggle`, run: "click" },
        { content: "item with its age", trigger: ".o_ar_item:contains('35 days'):contains('5,500.00')" },
        { content: "foreign item", trigger: ".o_ar_item:contains('100.00'):contains('not due'):contains('200.00')" },
        { content: "open the document", trigger: ".o_ar_item:contains('35 days') .o_ar_open_item", run: "click" },
        { content: "the invoice", trigger: ".o_form_view .o_field_widget[name=amount_residual]:contains('5,500.00')" },
        { content: "back", trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button", run: "click" },
        { content: "still unfolded", trigger: ".o_ar_item:contains('35 days')" },
        { content: "still sorted", trigger: "th[data-column=total][aria-sort=descending]" },
        { content: "another date", trigger: ".o_ar_filter_date", run: "click" },
        { content: "type it", trigger: "#o_ar_as_of", run: "edit 12/31/2016 && press Enter" },
        { content: "paid later, not due yet", trigger: cell("Harbour", "not_due", "10,000.00") },
        { content: "the button says so", trigger: ".o_ar_filter_date:contains('12/31/2016')" },
        { content: "the others were not there", trigger: `.o_ar_table:not(:has(${row("Alder")}))` },
        {
            content: "the address carries the date",
            trigger: ".o_ar_filter_date:contains('12/31/2016')",
            run: () => {
                if (!new URL(location.href).searchParams.get("as_of")?.includes("2016-12-31")) {
                    throw new Error(`The date is missing in ${location.href}`);
                }
            },
        },
        { content: "grouping", trigger: ".o_ar_filter_group", run: "click" },
        { content: "by country", trigger: ".o-dropdown--menu [data-group=country]", run: "click" },
        { content: "grouped", trigger: cell("No country", "total", "10,000.00") },
        { content: "options", trigger: ".o_ar_filter_options", run: "click" },
        { content: "nonsense", trigger: "#o_ar_limits", run: "edit 45, 15 && press Enter" },
        { content: "is refused", trigger: ".o-dropdown--menu .invalid-feedback" },
        { content: "other limits", trigger: "#o_ar_limits", run: "edit 15, 45 && press Enter" },
        { content: "other columns", trigger: "th[data-column=b3]:contains('Over 45')" },
        { content: "as many", trigger: ".o_ar_table:not(:has(th[data-column=b4]))" },
        { content: "export", trigger: ".o_ar_export_xlsx", run: "click" },
        { content: "busy, then done", trigger: ".o_ar_export_xlsx:enabled:not(:has(.fa-spin))" },
    ],
});

registry.category("web_tour.tours").add("ar_aging_report_from_customer", {
    steps: () => [
        { content: "what is owed", trigger: "button[name=action_ar_open_items]:contains('5,700.00')", run: "click" },
        { content: "only this customer", trigger: total("total", "5,700.00") },
        { content: "unfolded", trigger: ".o_ar_item:contains('5,500.00')" },
        { content: "the filter shows", trigger: ".o_ar_filter_partner:contains('1')" },
        { content: "to the customer", trigger: ".o_ar_partner:contains('Harbour')", run: "click" },
        { content: "their form", trigger: ".o_form_view .nav-link[name=ar_receivables]" },
    ],
});

registry.category("web_tour.tours").add("ar_aging_report_difference", {
    steps: () => [
        { content: "amount", trigger: ".o_ar_tie_out_differs strong:contains('75.00')" },
        { content: "entries", trigger: ".o_ar_tie_out_differs li:contains('non-trade') button", run: "click" },
        { content: "the entry", trigger: ".o_list_view .o_data_row" },
    ],
});

registry.category("web_tour.tours").add("ar_aging_report_phone", {
    steps: () => [
        { content: "overdue", trigger: cell("Harbour", "overdue", "5,500.00") },
        { content: "total", trigger: cell("Harbour", "total", "5,700.00") },
        { content: "nothing else", trigger: ".o_ar_table:not(:has(th[data-column=b1]))" },
        {
            content: "fits",
            trigger: ".o_ar_table",
            run: () => {
                const wrapper = document.querySelector(".o_ar_table_wrapper");
                if (wrapper.scrollWidth > wrapper.clientWidth) {
                    throw new Error(`The table is ${wrapper.scrollWidth}px wide on ${wrapper.clientWidth}px`);
                }
            },
        },
        { content: "unfold", trigger: `${row("Harbour")} .o_ar_toggle`, run: "click" },
        { content: "buckets", trigger: ".o_ar_breakdown:contains('31-60'):contains('5,500.00')" },
        { content: "items", trigger: ".o_ar_item:contains('35 days')" },
    ],
});
