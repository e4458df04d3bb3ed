// Tours through the month-end reports, all made of tables; ledgers are built by the tests of the same names.
import { registry } from "@web/core/registry";
import { cell, inAddress, row } from "./report_tour_helpers";

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

registry.category("web_tour.tours").add("ar_roll_forward", {
    steps: () => [
        { content: "ends where the ledger does", trigger: cell("Total", "closing", "1,155.00") },
        { content: "proven", trigger: ".o_ar_check_ok:contains('closing balance less the general ledger'):contains('0.00')" },
        { content: "what does not fit is listed", trigger: "[data-table=other] td:contains('Other entry')" },
        { content: "drill into write-offs", trigger: `${row("Total")} td[data-column=write_offs] .o_ar_drill`, run: "click" },
        { content: "two journal items", trigger: ".o_list_view .o_data_row:nth-of-type(2)" },
        { content: "back", trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button", run: "click" },
        { content: "grouping", trigger: ".o_ar_filter_choice[data-filter=group_by]", run: "click" },
        { content: "by customer", trigger: ".o-dropdown--menu [data-value=partner]", run: "click" },
        { content: "grouped", trigger: cell("Harbour", "closing", "1,130.00"), run: () => inAddress("group_by=partner") },
        { content: "the aged report behind a balance", trigger: `${row("Harbour")} td[data-column=closing] .o_ar_drill`, run: "click" },
        { content: "only this customer", trigger: ".o_ar_aging .o_ar_totals td[data-column=total]:contains('1,130.00')" },
        { content: "back", trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button", run: "click" },
        { content: "period", trigger: ".o_ar_filter_period:contains('03/01/2026')", run: "click" },
        { content: "until April", trigger: "#o_ar_date_to", run: "edit 04/30/2026 && press Enter" },
        { content: "one invoice more", trigger: cell("Total", "closing", "1,225.00"), run: () => inAddress("date_to=2026-04-30") },
        { content: "export", trigger: ".o_ar_export_pdf", run: "click" },
        { content: "done", trigger: ".o_ar_export_pdf:enabled:not(:has(.fa-spin))" },
    ],
});

registry.category("web_tour.tours").add("ar_sub_ledger", {
    steps: () => [
        { content: "agrees", trigger: ".o_ar_check_ok:contains('general ledger less sub-ledger'):contains('0.00')" },
        { content: "the account", trigger: ".o_ar_report_table td[data-column=open_items]:contains('1,155.00')" },
        { content: "date", trigger: ".o_ar_filter_date", run: "click" },
        { content: "end of February", trigger: "#o_ar_as_of", run: "edit 02/28/2026 && press Enter" },
        { content: "another balance", trigger: ".o_ar_report_table td[data-column=ledger]:contains('1,250.00')" },
        { content: "its journal items", trigger: ".o_ar_report_table .o_ar_first .o_ar_drill", run: "click" },
        { content: "two", trigger: ".o_list_view .o_data_row:nth-of-type(2)" },
        { content: "back", trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button", run: "click" },
        { content: "export", trigger: ".o_ar_export_xlsx", run: "click" },
        { content: "done", trigger: ".o_ar_export_xlsx:enabled:not(:has(.fa-spin))" },
    ],
});

registry.category("web_tour.tours").add("ar_provision", {
    steps: () => [
        { content: "none yet", trigger: ".o_nocontent_help:contains('No provision yet')" },
        { content: "new", trigger: ".o_list_button_add", run: "click" },
        { content: "date", trigger: ".o_field_widget[name=date] button", run: "click" },
        { content: "type it", trigger: ".o_field_widget[name=date] input", run: "edit 03/31/2026 && press Tab" },
        { content: "buckets", trigger: ".o_field_widget[name=bucket_limits] input", run: "edit 30, 60, 90" },
        { content: "calculate", trigger: "button[name=action_calculate]", run: "click" },
        { content: "the vector", trigger: ".o_field_widget[name=amount_total]:contains('27,567.39')" },
        { content: "a bucket", trigger: ".o_field_widget[name=line_ids] .o_data_row:contains('31-60'):contains('5,217.39')" },
        { content: "book", trigger: "button[name=action_book]", run: "click" },
        { content: "the draft entry", trigger: ".o_form_view .o_field_widget[name=line_ids]:contains('Credit losses')" },
    ],
});

registry.category("web_tour.tours").add("ar_loss_rates", {
    steps: () => [
        { content: "matrix", trigger: "[data-table=matrix] td[data-column=reached]:contains('100,000.00')" },
        { content: "roll rates", trigger: "[data-table=roll] td:contains('March 2026')" },
        { content: "history", trigger: ".o_ar_filter_choice[data-filter=months]", run: "click" },
        { content: "two years", trigger: ".o-dropdown--menu [data-value='24']", run: "click" },
        { content: "longer", trigger: ".o_ar_filter_choice[data-filter=months]:contains('24')", run: () => inAddress("months=24") },
        { content: "the aged report of a month", trigger: "[data-table=roll] tr:contains('March 2026') .o_ar_drill", run: "click" },
        { content: "there", trigger: ".o_ar_aging .o_ar_totals td[data-column=total]:contains('528,000.00')" },
        { content: "back", trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item.o_back_button", run: "click" },
        { content: "export", trigger: ".o_ar_export_xlsx", run: "click" },
        { content: "done", trigger: ".o_ar_export_xlsx:enabled:not(:has(.fa-spin))" },
    ],
});

registry.category("web_tour.tours").add("ar_month_end", {
    steps: () => [
        { content: "none yet", trigger: ".o_nocontent_help:contains('No month-end pack yet')" },
        { content: "new", trigger: ".o_list_button_add", run: "click" },
        { content: "date", trigger: ".o_field_widget[name=date_to] button", run: "click" },
        { content: "type it", trigger: ".o_field_widget[name=date_to] input", run: "edit 03/31/2026 && press Tab" },
        { content: "make", trigger: "button[name=action_make]", run: "click" },
        { content: "checks", trigger: ".o_field_widget[name=check_ids] .o_data_row:contains('closing less general ledger')" },
        { content: "findings are said", trigger: ".alert:contains('Some checks need a look')" },
        { content: "verify", trigger: "button[name=action_verify]", run: "click" },
        { content: "said", trigger: ".o_notification:contains('Both files are what was made')" },
        { content: "lock", trigger: "button[name=action_lock]", run: "click" },
        { content: "sure", trigger: ".modal-footer .btn-primary", run: "click" },
        { content: "locked", trigger: ".o_arrow_button_current:contains('Locked')" },
        { content: "no more making", trigger: ".o_form_view:not(:has(button[name=action_make]))" },
        { content: "the chatter says so", trigger: ".o-mail-Message:contains('Made'):contains('Locked')" },
    ],
});
