// An order on hold: the salesperson is stopped and asks, a manager releases it on the phone, the order goes through
// (tests/test_order_tour.py).
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("ar_order_stopped_and_asked", {
    steps: () => [
        { content: "the banner says why", trigger: ".o_ar_held:contains('over the limit of $ 1,000.00')" },
        { trigger: "button[name=action_confirm]:visible", run: "click" },
        { content: "the error says it too", trigger: ".modal .o_error_dialog, .modal:contains('is on credit hold')" },
        { trigger: ".modal footer button:visible", run: "click" },
        { trigger: "body:not(:has(.modal))" },
        { trigger: "button[name=action_ar_request_release]:visible", run: "click" },
        { trigger: ".o_notification:contains('Release requested from')" },
        { trigger: ".o_ar_held a:contains('A release was asked for'):visible" },
        { content: "once is enough", trigger: ".o_form_view:not(:has(button[name=action_ar_request_release]:visible))" },
        { content: "still a quotation", trigger: ".o_arrow_button_current:contains('Quotation')" },
    ],
});

registry.category("web_tour.tours").add("ar_order_released_on_the_phone", {
    steps: () => [
        { trigger: ".o_kanban_record:contains('Harbour Fish Ltd'):contains('1,500.00')" },
        { trigger: ".o_kanban_record .text-danger:contains('over the limit')" },
        { trigger: ".o_kanban_record button:contains('Approve')", run: "click" },
        { trigger: ".o_kanban_view:not(:has(.o_kanban_record button:contains('Approve')))" },
    ],
});

registry.category("web_tour.tours").add("ar_order_goes_through", {
    steps: () => [
        { trigger: ".o_ar_released:contains('released')" },
        { trigger: "button[name=action_confirm]:visible", run: "click" },
        { trigger: ".o_arrow_button_current:contains('Sales Order')" },
    ],
});

registry.category("web_tour.tours").add("ar_orders_confirmed_from_the_list", {
    steps: () => [
        { trigger: ".o_data_row:contains('Harbour Fish Ltd') .badge:contains('On hold')" },
        { trigger: "thead .o_list_record_selector input", run: "click" },
        { trigger: ".o_control_panel button[name=action_ar_confirm]", run: "click" },
        { trigger: ".o_notification:contains('Confirmed: 1. On credit hold: 1.')" },
        { trigger: ".o_data_row:contains('Alder') td:contains('Sales Order')" },
    ],
});
