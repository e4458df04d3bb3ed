// From the board to a document that passes: a clerk is stopped and asks, the credit manager finds it on the board of
// the phone and approves, the document goes through (tests/test_credit_tour.py).
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("ar_credit_invoice_stopped_and_asked", {
    steps: () => [
        { content: "the banner says why", trigger: ".o_ar_held:contains('over the limit of $ 1,000.00')" },
        { trigger: "button[name=action_post]:visible", run: "click" },
        { content: "the error says it too", trigger: ".modal:contains('is on credit hold')" },
        { trigger: ".modal footer button:visible", run: "click" },
        { trigger: "body:not(:has(.modal))" },
        { trigger: "button[name=action_ar_request_release]:visible", run: "click" },
        { trigger: ".o_notification:contains('Release requested from')" },
        { trigger: ".o_ar_held a:contains('A release was asked for'):visible" },
    ],
});

registry.category("web_tour.tours").add("ar_credit_board_on_the_phone", {
    steps: () => [
        { trigger: ".o_kanban_record:contains('Harbour Fish Ltd'):contains('over the limit')" },
        {
            trigger: ".o_kanban_record:contains('Harbour Fish Ltd') a:contains('Documents')",
            run: "click",
        },
        { content: "the exposure in parts", trigger: ".modal .o_ar_exposure a[data-ar-part=open]" },
        { trigger: ".modal .o_ar_waiting td:contains('500.00')" },
        {
            content: "what waits",
            trigger: ".modal .o_ar_waiting a:contains('Draft invoices that wait (1)')",
            run: "click",
        },
        { trigger: "body:not(:has(.modal))" },
        { trigger: ".o_kanban_record:contains('500.00'):not(:contains('Exposure'))", run: "click" },
        { trigger: ".o_ar_held a:contains('A release was asked for'):visible", run: "click" },
        {
            content: "what is asked for, and why",
            trigger: ".o_form_view .o_field_widget[name=hold_reasons]:contains('over the limit')",
        },
        { trigger: "button[name=action_approve]:visible", run: "click" },
        { trigger: ".o_form_view:not(:has(button[name=action_approve]:visible))" },
        { content: "four eyes", trigger: ".o_field_widget[name=approved_by_id]:contains('credit_manager')" },
    ],
});

registry.category("web_tour.tours").add("ar_credit_invoice_passes", {
    steps: () => [
        { trigger: ".o_ar_released:contains('released')" },
        { trigger: "button[name=action_post]:visible", run: "click" },
        { trigger: ".o_arrow_button_current:contains('Posted')" },
    ],
});

registry.category("web_tour.tours").add("ar_credit_exposure_parts", {
    steps: () => [
        {
            trigger: ".o_list_view .o_data_row:contains('Harbour Fish Ltd') button[name=action_ar_open_exposure]",
            run: "click",
        },
        { trigger: ".modal .o_ar_exposure a[data-ar-part=later]", run: "click" },
        { content: "the invoice dated later", trigger: ".o_list_view .o_data_row:contains('50.00')" },
        { trigger: ".breadcrumb-item a:contains('Exposure')", run: "click" },
        {
            trigger: ".o_data_row:contains('Harbour Fish Ltd') button[name=action_ar_open_exposure]",
            run: "click",
        },
        { trigger: ".modal .o_ar_exposure a[data-ar-part=open]", run: "click" },
        { content: "the open items", trigger: ".o_ar_aging .o_ar_item:contains('600.00')" },
    ],
});
