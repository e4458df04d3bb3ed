// Disputes: opened from an invoice (tests/test_invoice_and_customer.py), decided into a credit note by a clerk
// (tests/test_dispute_tour.py).
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("ar_dispute_an_invoice", {
    steps: () => [
        { trigger: ".o_form_view button[name=action_ar_new_dispute]:contains('Dispute')", run: "click" },
        { content: "all of it is proposed", trigger: ".modal .o_field_widget[name=amount]:contains('1,000.00')" },
        { trigger: ".modal .o_field_widget[name=scope] label:contains('An amount')", run: "click" },
        { trigger: ".modal .o_field_widget[name=amount] input", run: "edit 250" },
        { trigger: ".modal .o_field_widget[name=reason_id] input", run: "edit Wrong col" },
        { trigger: ".ui-autocomplete .dropdown-item:contains('Wrong colour')", run: "click" },
        { trigger: ".modal button[name=action_open]", run: "click" },
        { trigger: ".o_form_view .o_field_widget[name=reason_id] input:value(Wrong colour)" },
        { trigger: "button[name=action_view_move]", run: "click" },
        { content: "the invoice says so", trigger: ".o_ar_disputed:contains('250.00')" },
        { trigger: ".ribbon:contains('Disputed')" },
        { trigger: "button[name=action_ar_view_disputes]:contains('1')" },
    ],
});

registry.category("web_tour.tours").add("ar_dispute_into_credit_note", {
    steps: () => [
        { trigger: ".o_kanban_view .o_kanban_record:contains('Harbour Fish')", run: "click" },
        { trigger: ".o_form_view button[name=action_decide]", run: "click" },
        { content: "a part", trigger: ".modal .o_field_widget[name=decision] label:contains('Accept a part')", run: "click" },
        { trigger: ".modal .o_field_widget[name=line_ids] .o_data_row td[name=quantity]", run: "click" },
        { trigger: ".modal .o_data_row .o_field_widget[name=quantity] input", run: "edit 2 && press Tab" },
        {
            content: "two of the three, with tax",
            trigger: ".modal .o_field_widget[name=amount]:contains('238.00')",
        },
        {
            trigger: ".modal .o_field_widget[name=outcome_note] textarea",
            run: "edit Two were missing, one was delivered.",
        },
        { trigger: ".modal button[name=action_decide]:visible:contains('Accept')", run: "click" },
        { trigger: ".o_statusbar_status .o_arrow_button_current:contains('Partly Accepted')" },
        { trigger: ".o_statusbar_buttons button[name=action_view_credit_notes]", run: "click" },
        { trigger: ".o_arrow_button_current:contains('Draft')" },
        { content: "post it", trigger: "button[name=action_post]", run: "click" },
        { trigger: ".o_arrow_button_current:contains('Posted')" },
        { trigger: ".breadcrumb-item a:contains('INV/')", run: "click" },
        { trigger: ".ribbon:contains('Credited')" },
    ],
});

registry.category("web_tour.tours").add("ar_dispute_top_causes", {
    steps: () => [
        { trigger: ".o_ar_causes td:contains('400.00')" },
        { trigger: ".o_ar_causes a:contains('Short delivery')", run: "click" },
        { content: "the disputes behind it", trigger: ".o_list_view .o_data_row td:contains('400.00')" },
    ],
});
