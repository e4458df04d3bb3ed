// Tour through the delivery of invoices; the invoices are made by tests/test_invoice_delivery.py.
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("ar_invoice_delivery", {
    steps: () => [
        { content: "grouped by state", trigger: ".o_group_header:contains('Bounced')", run: "click" },
        { content: "why it came back", trigger: ".o_data_row:contains('550 no such user')" },
        { content: "not sent ones apart", trigger: ".o_group_header:contains('Not sent')" },
        { content: "open the invoice", trigger: ".o_data_row .o_data_cell[name=name]", run: "click" },
        { content: "the form says it", trigger: ".o_ar_not_arrived:contains('came back')" },
        { content: "and why", trigger: ".o_ar_not_arrived:contains('550 no such user')" },
        { content: "it was handed over", trigger: ".o_ar_not_arrived button[name=action_ar_note_delivery]", run: "click" },
        { trigger: ".modal .o_field_widget[name=note] input", run: "edit Ms Weber took it" },
        { trigger: ".modal button[name=action_confirm]", run: "click" },
        { content: "noted", trigger: ".o_form_view button[name=action_ar_view_deliveries]:contains('Delivered')" },
        { content: "in the chatter", trigger: ".o-mail-Message:contains('Ms Weber took it')" },
        { content: "what was noted down", trigger: "button[name=action_ar_view_deliveries]", run: "click" },
        { trigger: ".o_data_row:contains('By hand')" },
        { content: "back", trigger: ".o_breadcrumb .o_back_button, .o_back_button", run: "click" },
        { trigger: ".o_form_view:not(:has(.o_ar_not_arrived))" },
    ],
});

const table = (name) => `.o_ar_report_section[data-table=${name}]`;

registry.category("web_tour.tours").add("ar_collections_report", {
    steps: () => [
        { content: "this week", trigger: `${table("course")} tr:contains('340.00'):contains('68.00')` },
        { content: "by collector", trigger: `${table("collectors")} tr:contains('Kit Collector'):contains('125.00')` },
        { content: "by customer", trigger: `${table("customers")} tr:contains('Harbour Fish'):contains('250.00')` },
        { content: "not sent", trigger: `${table("not_sent")} tr:contains('Alder')` },
        { content: "the money behind", trigger: `${table("collectors")} tr:contains('Kit Collector') a:contains('250.00'), ${table("collectors")} tr:contains('Kit Collector') button:contains('250.00')`, run: "click" },
        { trigger: ".o_list_view .o_data_row:contains('Harbour Fish')" },
        { content: "back", trigger: ".o_back_button", run: "click" },
        { content: "the week before", trigger: ".o_ar_filter_date", run: "click" },
        { trigger: "#o_ar_as_of", run: "edit 03/29/2026 && press Enter" },
        { trigger: `${table("course")} tr:contains('300.00'):contains('700.00')` },
        { content: "only Kit's", trigger: "[data-filter=collector_ids]", run: "click" },
        { trigger: ".o_ar_partner_selector input", run: "edit Kit" },
        { trigger: ".o-autocomplete--dropdown-item:contains('Kit Collector')", run: "click" },
        { trigger: `${table("collectors")}:not(:contains('No collector'))` },
        { content: "as a file", trigger: ".o_ar_export_xlsx:enabled", run: "click" },
        { content: "it came", trigger: ".o_ar_export_xlsx:enabled:not(:has(.fa-spin))" },
    ],
});
