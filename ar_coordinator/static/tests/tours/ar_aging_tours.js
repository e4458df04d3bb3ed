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

const line = (level, name) => `.o_ar_row[data-level='${level}']:has(.o_ar_name:contains("${name}"))`;
const press = (key) => ({ content: key, trigger: ".o_ar_table tr[data-line]:focus", run: `press ${key}` });

registry.category("web_tour.tours").add("ar_aging_report_views", {
    steps: () => [
        { content: "opens with the user's default filter", trigger: ".o_ar_filter_saved:contains('By country')" },
        { content: "which groups in two levels", trigger: ".o_ar_filter_group:contains('Country / Tag')" },
        { content: "first level", trigger: cell("United Kingdom", "total", "570.00") },
        { content: "unfold", trigger: `${row("United Kingdom")} .o_ar_toggle`, run: "click" },
        { content: "second level", trigger: `${line(1, "Retail")} td[data-column=total]:contains('500.00')` },
        { content: "unfold again", trigger: `${line(1, "Retail")} .o_ar_toggle`, run: "click" },
        { content: "its item", trigger: ".o_ar_item:contains('Harbour Fish Scotland'):contains('59 days')" },
        // another date to compare with
        { content: "compare", trigger: ".o_ar_filter_compare", run: "click" },
        { content: "type it", trigger: "#o_ar_compare_to", run: "edit 02/28/2026 && press Enter" },
        { content: "total before", trigger: total("before", "824.00") },
        { content: "change", trigger: total("change", "75.00") },
        { content: "change of a column", trigger: ".o_ar_totals td[data-column=b1] .o_ar_change:contains('-360.00')" },
        { content: "still unfolded", trigger: ".o_ar_item:contains('59 days')" },
        // columns
        { content: "columns", trigger: ".o_ar_filter_columns", run: "click" },
        { content: "one more", trigger: "[data-choice=oldest_days] input", run: "click" },
        { content: "is there", trigger: total("oldest_days", "120") },
        { content: "one less", trigger: "[data-choice=disputed] input", run: "click" },
        { content: "is gone", trigger: ".o_ar_table:not(:has(th[data-column=disputed]))" },
        { content: "the total first", trigger: "[data-choice=total] .o_ar_column_up", run: "click" },
        { content: "before the unapplied", trigger: "th[data-column=total] ~ th[data-column=unapplied]" },
        // currencies of the documents
        { content: "options", trigger: ".o_ar_filter_options", run: "click" },
        { content: "in documents' currencies", trigger: "[data-in=document]", run: "click" },
        { content: "a total per currency", trigger: ".o_ar_totals:contains('Total JPY'):contains('7,000')" },
        { content: "nothing over currencies", trigger: ".o_ar_table:not(:has(.o_ar_totals:contains('899.00')))" },
        {
            content: "what is behind the total of a currency",
            trigger: ".o_ar_totals:contains('Total JPY') td[data-column=total] .o_ar_cell",
            run: "click",
        },
        {
            content: "its item, and no other",
            trigger: ".o_list_view:not(:has(.o_data_row ~ .o_data_row)) .o_data_row:contains('7,000')",
        },
        { content: "back", trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button", run: "click" },
        { content: "as it was", trigger: ".o_ar_totals:contains('Total JPY'):contains('7,000')" },
        { content: "options", trigger: ".o_ar_filter_options", run: "click" },
        { content: "back to company currency", trigger: "[data-in=company]", run: "click" },
        { content: "one total", trigger: total("total", "899.00") },
        { content: "options", trigger: ".o_ar_filter_options", run: "click" },
        { content: "calendar months", trigger: "[data-unit=calendar]", run: "click" },
        { content: "columns are months", trigger: "th[data-column=b2]:contains('Feb 2026')" },
        // the keyboard
        {
            content: "into the table",
            trigger: line(0, "France"),
            run: ({ anchor }) => anchor.focus(),
        },
        press("ArrowRight"),
        { content: "unfolded by the keyboard", trigger: line(1, "North") },
        press("ArrowDown"),
        { content: "on the tag", trigger: `${line(1, "North")}:focus` },
        press("ArrowLeft"),
        { content: "back on the country", trigger: `${line(0, "France")}:focus` },
        press("Escape"),
        { content: "all folded", trigger: ".o_ar_table:not(:has(.o_ar_inner))" },
        // keep it
        { content: "favorites", trigger: ".o_ar_filter_saved", run: "click" },
        { content: "a name", trigger: "#o_ar_save_as", run: "edit Monthly" },
        { content: "for everybody", trigger: ".o_ar_share", run: "click" },
        { content: "save", trigger: ".o_ar_save", run: "click" },
        { content: "it is chosen", trigger: ".o_ar_filter_saved:contains('Monthly')" },
        // files, and what is behind a cell
        { content: "unfold for the file", trigger: `${row("France")} .o_ar_toggle`, run: "click" },
        { content: "unfolded", trigger: line(1, "North") },
        { content: "export", trigger: ".o_ar_export_xlsx", run: "click" },
        { content: "done", trigger: ".o_ar_export_xlsx:enabled:not(:has(.fa-spin))" },
        { content: "behind a cell", trigger: `${row("France")} td[data-column=b2] .o_ar_cell`, run: "click" },
        { content: "its entry", trigger: ".o_list_view .o_data_row:contains('Harbour Fish'):contains('60.00')" },
        { content: "back", trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button", run: "click" },
        { content: "as it was", trigger: "th[data-column=b2]:contains('Feb 2026')" },
    ],
});

registry.category("web_tour.tours").add("ar_aging_report_own_customers", {
    steps: () => [
        { content: "their customer", trigger: cell("Harbour", "total", "320.00") },
        { content: "no other", trigger: ".o_ar_table:not(:has(.o_ar_row:contains('Alder')))" },
        { content: "the page says so", trigger: ".o_ar_subtitle:contains('your customers only')" },
        { content: "unfold", trigger: `${row("Harbour")} .o_ar_toggle`, run: "click" },
        { content: "items without links", trigger: ".o_ar_item:contains('49 days'):not(:has(.o_ar_open_item))" },
        { content: "no comparison with the ledger", trigger: ".o_ar_report:not(:has(.o_ar_tie_out))" },
        { content: "export", trigger: ".o_ar_export_xlsx", run: "click" },
        { content: "done", trigger: ".o_ar_export_xlsx:enabled:not(:has(.fa-spin))" },
    ],
});
