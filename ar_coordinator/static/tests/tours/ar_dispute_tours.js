// A dispute opened from an invoice; the invoice is made by tests/test_invoice_and_customer.py.
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("ar_dispute_an_invoice", {
    steps: () => [
        { trigger: ".o_form_view button[name=action_ar_new_dispute]", run: "click" },
        { content: "all of it is proposed", trigger: ".modal .o_field_widget[name=amount] input:value(1,000.00)" },
        { trigger: ".modal .o_field_widget[name=amount] input", run: "edit 250" },
        { trigger: ".modal .o_field_widget[name=reason_id] input", run: "edit Wrong col" },
        { trigger: ".ui-autocomplete .dropdown-item:contains('Wrong colour')", run: "click" },
        { trigger: ".modal .o_form_button_save", run: "click" },
        { content: "the invoice says so", trigger: "body:not(:has(.modal)) .o_ar_disputed:contains('250.00')" },
        { trigger: "button[name=action_ar_view_disputes]:contains('1')", run: "click" },
        { trigger: ".o_form_view .o_field_widget[name=reason_id] input:value(Wrong colour)" },
    ],
});
