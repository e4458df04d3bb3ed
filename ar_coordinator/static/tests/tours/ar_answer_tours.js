// A customer answers a letter on a phone, from the letter's link; the letter is made by tests/test_answer_tour.py.
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("ar_answer_half_and_half", {
    steps: () => [
        { trigger: "#answer_dispute > summary", run: "click" },
        { content: "nothing but what is needed", trigger: ".o_ar_dispute_form:not(:has(.o_ar_scope_part:visible))" },
        { trigger: "#answer_dispute input[name=scope][value=part]", run: "click" },
        { trigger: "#dispute_amount", run: "edit 150" },
        { trigger: "#dispute_reason", run: "selectByLabel Price differs from the agreement" },
        { trigger: "#dispute_note", run: "edit We agreed on half of it" },
        { trigger: "#answer_dispute button[type=submit]", run: "click", expectUnloadPage: true },
        { content: "it says so", trigger: "[role=status]:contains('We have noted your answer')" },
        { trigger: ".badge:contains('Disputed: $ 150.00')" },
        { trigger: "#answer_promise > summary", run: "click" },
        { content: "the rest is proposed", trigger: "#answer_promise .o_ar_item_amount:contains('$ 150.00')" },
        {
            trigger: "#promise_date",
            run() {
                this.anchor.value = "2026-04-10"; // the helper cannot type into an empty date
            },
        },
        { trigger: "#answer_promise button[type=submit]", run: "click", expectUnloadPage: true },
        { trigger: ".badge:contains('Promised')" },
        { trigger: "li:contains('You will pay $ 150.00 by 04/10/2026.')" },
        { trigger: "li:contains('You dispute $ 150.00: Price differs from the agreement.')" },
        {
            content: "everything is within the screen",
            trigger: "body",
            run: () => {
                const { scrollWidth, clientWidth } = document.documentElement;
                if (scrollWidth > clientWidth) {
                    throw new Error(`the page is ${scrollWidth} px wide on a screen of ${clientWidth} px`);
                }
            },
        },
    ],
});
