// A dunning run in the browser; the books are made by tests/test_dunning_tour.py.
import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const row = (text) => `.o_data_row:contains('${text}')`;
const confirmWith = (reason) => [
    { trigger: ".modal .o_field_widget[name=reason] input", run: `edit ${reason}` },
    { trigger: ".modal button[name=action_confirm]:visible", run: "click" },
    { trigger: "body:not(:has(.modal))" },
];

tours.add("ar_dunning_run", {
    steps: () => [
        { trigger: ".o_list_button_add", run: "click" },
        { trigger: "button[name=action_preview]", run: "click" },
        { content: "what would happen and why", trigger: "[name=summary_html] tr:contains('Due for this level'):contains('5')" },
        { content: "nothing is sent yet", trigger: ".o_arrow_button_current:contains('Preview')" },
        { trigger: ".nav-link[name=outcomes]", run: "click" },
        { content: "leave out one item", trigger: `${row("TOUR/1")} button[name=action_leave_out]`, run: "click" },
        ...confirmWith("Wrong address on it"),
        { trigger: `${row("TOUR/1")} td[name=reason]:contains('Left out by hand')` },
        { content: "the customer's other item stays", trigger: `${row("TOUR/2")} td[name=reason]:contains('Due for this level')` },
        { content: "raise a level", trigger: `${row("TOUR/4")} button[name=action_change_level]`, run: "click" },
        { trigger: ".modal .o_field_widget[name=level_id] input", run: "edit Final" },
        { trigger: ".ui-autocomplete .dropdown-item:contains('Final Reminder')", run: "click" },
        ...confirmWith("Never pays before the last one"),
        { trigger: `${row("TOUR/4")} td[name=level_id]:contains('Final Reminder')` },
        { content: "lower it again", trigger: `${row("TOUR/4")} button[name=action_change_level]`, run: "click" },
        { trigger: ".modal .o_field_widget[name=level_id] input", run: "edit Second" },
        { trigger: ".ui-autocomplete .dropdown-item:contains('Second Reminder')", run: "click" },
        ...confirmWith("Promised to look at it"),
        { trigger: `${row("TOUR/4")} td[name=level_id]:contains('Second Reminder')` },
        { trigger: ".nav-link[name=letters]", run: "click" },
        { content: "leave out a customer", trigger: `${row("Alder & Sons")} button[name=action_leave_out_customer]`, run: "click" },
        ...confirmWith("The owner called this morning"),
        { trigger: `.o_field_widget[name=letter_ids]:not(:has(${row("Alder & Sons")}))` },
        { trigger: ".nav-link[name=changes]", run: "click" },
        { content: "who changed what and why", trigger: `.o_field_widget[name=change_ids] ${row("The owner called this morning")}` },
        { content: "edit a letter", trigger: "button[name=action_view_letters]", run: "click" },
        { trigger: ".o_breadcrumb .active:contains('Letters')" },
        { trigger: `.o_list_view ${row("Harbour Fish")} td[name=partner_id]`, run: "click" },
        { content: "as it will look", trigger: ".o_ar_letter_preview:contains('Payment reminder'):contains('200.00')" },
        { trigger: "button[name=action_personal_note]", run: "click" },
        { trigger: ".modal .o_field_widget[name=personal_subject] input", run: "edit Your account with us" },
        { trigger: ".modal .odoo-editor-editable", run: "editor Thank you for our talk." },
        { trigger: ".modal button[name=action_confirm]", run: "click" },
        { trigger: ".o_ar_letter_preview:contains('Thank you for our talk.')" },
        { content: "back to the run", trigger: ".breadcrumb-item a:contains('Reminders')", run: "click" },
        { content: "send", trigger: "button[name=action_send]:contains('Send')", run: "click" },
        { trigger: ".modal-footer .btn-primary", run: "click" },
        { content: "done", trigger: ".o_arrow_button_current:contains('Done')" },
        { content: "what became of the letters", trigger: "[name=delivery_note]:contains('2 on their way')" },
    ],
});

tours.add("ar_dunning_ask_approval", {
    steps: () => [
        { trigger: ".o_list_button_add", run: "click" },
        { trigger: "button[name=action_preview]", run: "click" },
        { content: "the breaker says why", trigger: ".alert-warning:contains('A manager has to look'):contains('more than 50 %')" },
        { content: "a clerk cannot send it", trigger: ".o_form_statusbar:not(:has(button[name=action_approve]))" },
        { trigger: "button[name=action_send]:contains('Ask for Approval')", run: "click" },
        { trigger: ".o_arrow_button_current:contains('To Approve')" },
        { content: "and not now either", trigger: ".o_form_statusbar:not(:has(button[name=action_send]))" },
    ],
});

tours.add("ar_dunning_approve_and_send", {
    steps: () => [
        { trigger: ".o_activity_summary:contains('Reminders wait'), .o-mail-Activity:contains('Reminders wait')" },
        { trigger: "button[name=action_approve]", run: "click" },
        { trigger: ".o_arrow_button_current:contains('Preview')" },
        { trigger: ".ribbon:contains('Approved')" },
        { trigger: "button[name=action_send]:contains('Send')", run: "click" },
        { trigger: ".modal-footer .btn-primary", run: "click" },
        { content: "in the background", trigger: ".o_ar_run_progress:contains('0 of 3 letters')" },
        { trigger: ".o_arrow_button_current:contains('Sending')" },
    ],
});

tours.add("ar_dunning_progress", {
    steps: () => [
        { content: "half-way", trigger: ".o_ar_run_progress .progress-bar:contains('33 %')" },
        { trigger: ".o_ar_run_progress:contains('1 of 3 letters')" },
        { trigger: "[name=delivery_note]:contains('1 on their way, 2 waiting')" },
    ],
});
