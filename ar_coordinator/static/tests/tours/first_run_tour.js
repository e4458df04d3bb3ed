// The first-run guide from end to end; the ledger is built by tests/test_first_run.py.
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("ar_first_steps", {
    steps: () => [
        { content: "nothing done yet", trigger: ".o_ar_first_run_progress:contains('0 of 5')" },
        { content: "the policy", trigger: "li[data-step=policy] button", run: "click" },
        { content: "with its levels", trigger: ".o_form_view .o_field_widget[name=level_ids] .o_data_row" },
        { content: "back", trigger: ".o_back_button", run: "click" },
        { content: "ticked", trigger: "li[data-step=policy].o_ar_done" },
        { content: "the sender", trigger: "li[data-step=mail] button", run: "click" },
        { content: "is shown", trigger: ".modal .o_field_widget[name=reply_note]:contains('address'), .modal .o_field_widget[name=reply_note]:contains('through')" },
        { content: "enough", trigger: ".modal footer button[special=cancel]", run: "click" },
        { content: "who looks after whom", trigger: "body:not(.modal-open) li[data-step=collector] button", run: "click" },
        { content: "the customer who owes", trigger: ".o_list_view .o_data_row .o_list_record_selector input", run: "click" },
        { content: "their collector", trigger: ".o_list_view .o_data_row td[name=ar_collector_id]", run: "click" },
        { content: "is looked up", trigger: ".o_selected_row td[name=ar_collector_id] input", run: "edit ar_first_manager" },
        { content: "chosen", trigger: ".o-autocomplete--dropdown-item:contains('ar_first_manager')", run: "click" },
        { content: "for all that are ticked", trigger: ".o_list_view .o_list_view_header, .o_control_panel", run: "click" },
        { content: "back to the steps", trigger: ".o_back_button", run: "click" },
        { content: "ticked too", trigger: "li[data-step=collector].o_ar_done" },
        { content: "the preview", trigger: "li[data-step=preview] button", run: "click" },
        { content: "shows what would be sent", trigger: ".o_form_view .o_field_widget:contains('250.00')" },
        { content: "back again", trigger: ".o_back_button", run: "click" },
        { content: "three of five", trigger: ".o_ar_first_run_progress:contains('3 of 5')" },
        { content: "hide it", trigger: ".o_ar_first_run_close", run: "click" },
        { content: "it can be looked at again from the menu", trigger: ".o_ar_first_run:not(:has(.o_ar_first_run_close))" },
    ],
});
