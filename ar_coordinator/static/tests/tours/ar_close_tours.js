// Tours through the month-end reports, all made of tables; ledgers are built by the tests of the same names.
import { registry } from "@web/core/registry";

const row = (name) => `.o_ar_report_table tr:has(.o_ar_first:contains("${name}"))`;
const cell = (name, column, text) => `${row(name)} td[data-column=${column}]:contains("${text}")`;

function inAddress(text) {
    if (!decodeURIComponent(location.href).includes(text)) {
        throw new Error(`${text} is missing in ${location.href}`);
    }
}

registry.category("web_tour.tours").add("ar_unapplied_report", {
    steps: () => [
        { content: "a credit balance", trigger: cell("Alder", "balance", "-50.00") },
        { content: "ages", trigger: cell("Harbour", "age_3", "-30.00") },
        { content: "total", trigger: cell("Total", "unapplied", "-400.00") },
        { content: "folded", trigger: ".o_ar_report_table:not(:has(.o_ar_part))" },
        { content: "keyboard: the first row", trigger: row("Alder"), run: ({ anchor }) => anchor.focus() },
        { content: "to the second", trigger: row("Alder"), run: "press ArrowDown" },
        { content: "unfold it", trigger: `${row("Harbour")}:focus`, run: "press ArrowRight" },
        { content: "unfolded", trigger: ".o_ar_part:contains('Credit note')" },
        { content: "open the credit note", trigger: ".o_ar_part:contains('Credit note') .o_ar_drill", run: "click" },
        { content: "the document", trigger: ".o_form_view .o_field_widget[name=amount_residual]:contains('30.00')" },
        { content: "back", trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button", run: "click" },
        { content: "same date", trigger: ".o_ar_filter_date:contains('03/31/2026')", run: "click" },
        { content: "another one", trigger: "#o_ar_as_of", run: "edit 02/12/2026 && press Enter" },
        { content: "the cash came later", trigger: cell("Total", "unapplied", "-280.00"), run: () => inAddress("as_of=2026-02-12") },
        { content: "choice", trigger: ".o_ar_filter_choice[data-filter=show]", run: "click" },
        { content: "cash only", trigger: ".o-dropdown--menu [data-value=payments]", run: "click" },
        { content: "cash", trigger: cell("Total", "unapplied", "-250.00"), run: () => inAddress("show=payments") },
        { content: "export", trigger: ".o_ar_export_xlsx", run: "click" },
        { content: "done", trigger: ".o_ar_export_xlsx:enabled:not(:has(.fa-spin))" },
        { content: "date", trigger: ".o_ar_filter_date", run: "click" },
        { content: "before everything", trigger: "#o_ar_as_of", run: "edit 01/01/2020 && press Enter" },
        { content: "nothing", trigger: ".o_ar_empty:contains('No credit waits')" },
        { content: "nothing to export", trigger: ".o_ar_export_xlsx:disabled:not(:visible), .o_ar_export_xlsx[disabled]" },
    ],
});

registry.category("web_tour.tours").add("ar_unapplied_report_phone", {
    steps: () => [
        { content: "what matters", trigger: cell("Harbour", "unapplied", "-150.00") },
        { content: "nothing else", trigger: ".o_ar_report_table:not(:has(th[data-column=age_0]))" },
        {
            content: "fits",
            trigger: ".o_ar_report_table",
            run: () => {
                const wrapper = document.querySelector(".o_ar_table_wrapper");
                if (wrapper.scrollWidth > wrapper.clientWidth) {
                    throw new Error(`The table is ${wrapper.scrollWidth}px wide on ${wrapper.clientWidth}px`);
                }
            },
        },
        { content: "unfold", trigger: `${row("Harbour")} .o_ar_toggle`, run: "click" },
        { content: "parts", trigger: ".o_ar_part:contains('-120.00')" },
    ],
});
