/* A statement run in the browser: chosen, previewed, sent; a write-off that waits for another manager. */
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("ar_statement_run", {
    steps: () => [
        { content: "New run", trigger: ".o_list_button_add", run: "click" },
        { content: "Preview", trigger: "button[name=action_preview]:contains('Preview')", run: "click" },
        { content: "Who is left out, and why", trigger: ".o_field_widget[name=summary_html] td:contains('Balance is zero')" },
        { content: "What a customer owes", trigger: ".o_data_row:contains('Harbour Fish Ltd') td:contains('1,000.00')" },
        { content: "Send", trigger: "button[name=action_send]", run: "click" },
        { content: "Yes", trigger: ".modal-footer .btn-primary", run: "click" },
        { content: "Done", trigger: ".o_arrow_button_current:contains('Done')" },
        { content: "The statements", trigger: "button[name=action_view_lines]:contains('Statements')", run: "click" },
        { content: "On its way", trigger: ".o_data_row:contains('Harbour Fish Ltd') .badge:contains('Queued')" },
    ],
});

registry.category("web_tour.tours").add("ar_write_off_ask", {
    steps: () => [
        { content: "The request", trigger: ".o_data_row:contains('Harbour Fish Ltd') td[name=partner_id]", run: "click" },
        { content: "Put the open items on it", trigger: "button[name=action_fill]", run: "click" },
        { content: "The item", trigger: ".o_field_widget[name=line_ids] .o_data_row td:contains('1,000.00')" },
        { content: "Ask", trigger: "button[name=action_submit]:contains('Ask for Approval')", run: "click" },
        { content: "It waits", trigger: ".o_arrow_button_current:contains('To approve')" },
        { content: "and not for me", trigger: ".alert-info:contains('another manager')" },
    ],
});
