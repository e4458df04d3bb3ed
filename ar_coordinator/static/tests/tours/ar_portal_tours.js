// The customer's account on a phone; ledger and payment provider are made by tests/test_portal_tour.py.
import { registry } from "@web/core/registry";

const nextWeek = () => luxon.DateTime.now().plus({ days: 7 }).toISODate();
const backToAccount = [
    {
        trigger: ".o_ar_portal a:contains('Back to your account')",
        run: "click",
        expectUnloadPage: true,
    },
];

registry.category("web_tour.tours").add("ar_portal_phone", {
    steps: () => [
        { content: "nothing is selected yet", trigger: ".o_ar_buttons button[data-needs=pay]:disabled" },
        { content: "the older invoice", trigger: ".o_ar_item:eq(0) input[name=item]", run: "click" },
        { trigger: ".o_ar_selected:contains('1 selected'):contains('1,000.00')" },
        { trigger: ".o_ar_buttons button[value=dispute]", run: "click", expectUnloadPage: true },
        { content: "half of it is wrong", trigger: "#answer_dispute #dispute_part", run: "click" },
        { trigger: "#dispute_amount", run: "edit 500" },
        { trigger: "#dispute_reason", run: "selectByIndex 1" },
        { trigger: "#answer_dispute button[type=submit]", run: "click", expectUnloadPage: true },
        { trigger: ".o_ar_portal:contains('500.00')" },
        ...backToAccount,
        { content: "the page says so", trigger: ".o_ar_item:eq(0) .o_ar_badges:contains('500.00')" },
        { trigger: ".o_ar_pay_overdue:contains('900.00')" },
        { content: "the rest of it is promised", trigger: ".o_ar_item:eq(0) input[name=item]", run: "click" },
        { trigger: ".o_ar_selected:contains('1 selected'):contains('500.00')" },
        { trigger: ".o_ar_buttons button[value=promise]", run: "click", expectUnloadPage: true },
        { trigger: "#answer_promise .o_ar_item_amount:contains('500.00')" },
        { trigger: "#promise_date", run: () => (document.querySelector("#promise_date").value = nextWeek()) },
        { trigger: "#answer_promise button[type=submit]", run: "click", expectUnloadPage: true },
        { trigger: ".o_ar_portal:contains('500.00')" },
        ...backToAccount,
        { trigger: ".o_ar_item:eq(0) .o_ar_badges:contains('Promised for')" },
        { content: "the other one is paid", trigger: ".o_ar_item:eq(1) input[name=item]", run: "click" },
        { trigger: ".o_ar_buttons button[data-needs=pay]", run: "click", expectUnloadPage: true },
        { trigger: ".o_ar_pay_total:contains('400.00')" },
        { trigger: "button[name=o_payment_submit_button]:enabled", run: "click", expectUnloadPage: true },
        { content: "back from the payment", trigger: ".o_ar_portal .alert-success:contains('Thank you')" },
        { trigger: ".o_ar_item:eq(1) .o_ar_state" },
    ],
});
