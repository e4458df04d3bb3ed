// Tours of promises and payment plans; the invoices are made by tests/test_promise_tour.py.
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("ar_promise_from_invoice", {
    steps: () => [
        { content: "the invoice", trigger: ".o_form_view button[name=action_ar_promise]", run: "click" },
        { content: "everything that is open is proposed", trigger: ".modal [name=amount] input:value(1,000.00)" },
        { content: "promised for", trigger: ".modal [name=date_promised] input, .modal [name=date_promised] button", run: "click" },
        { trigger: ".modal [name=date_promised] input", run: "edit 06/24/2026 && press Tab" },
        { trigger: ".modal [name=note] textarea", run: "edit The boss pays when back from holiday" },
        { trigger: ".modal button[name=action_promise]", run: "click" },
        { content: "said so", trigger: ".o_notification:contains(Noted)" },
        { content: "and shown on the invoice", trigger: ".o_ar_promised:contains(1,000.00):contains(Jun 24)" },
        { content: "its promise", trigger: "button[name=action_ar_view_promises]", run: "click" },
        { trigger: ".o_form_view [name=state] .o_arrow_button_current:contains(Open)" },
        { trigger: ".nav-link[name=note]", run: "click" },
        { trigger: ".o_field_widget[name=note] textarea:value(holiday)" },
    ],
});

registry.category("web_tour.tours").add("ar_plan_sign", {
    steps: () => [
        { content: "the instalments", trigger: ".o_ar_plan td:contains(30.00)" },
        { content: "name", trigger: ".o_web_sign_name_and_signature input[name=signer]", run: "edit Ada Harbour" },
        { content: "signature made of the name", trigger: "a.o_web_sign_auto_button", run: "click" },
        { content: "accept", trigger: ".o_portal_sign_submit:enabled", run: "click", expectUnloadPage: true },
        { content: "agreed", trigger: ".o_ar_plan_accepted" },
        { trigger: ".o_ar_plan:contains(Accepted by Ada Harbour)" },
    ],
});
