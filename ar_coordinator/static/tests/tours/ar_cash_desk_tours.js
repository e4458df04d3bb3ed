// Tours of a morning's cash, by keyboard, and the same screen on a phone; the ledger is built by tests/test_cash_tour.py.
import { registry } from "@web/core/registry";

const current = (text) => `.o_ar_cash_desk .o_ar_receipt.o_ar_current:contains(${text})`;
const fits = (content, trigger) => ({
    content,
    trigger,
    run: () => {
        if (document.documentElement.scrollWidth > window.innerWidth) {
            throw new Error("the desk of cash is wider than the phone");
        }
    },
});

registry.category("web_tour.tours").add("ar_cash_morning", {
    steps: () => [
        { content: "what waits", trigger: ".o_ar_cash_shows [data-show=all]:contains(4)" },
        { content: "look at the sure ones", trigger: ".o_ar_cash_shows [data-show=sure]:contains(2)", run: "click" },
        { trigger: ".o_ar_cash_list:not(:has(.o_ar_receipt[data-row='2']))" },
        { content: "why", trigger: ".o_ar_cash_why:contains(The text names the items)" },
        { content: "nothing is left over", trigger: ".o_ar_difference.text-success" },
        { content: "all of them", trigger: ".o_ar_cash_shows [data-show=all]", run: "click" },
        { trigger: ".o_ar_receipt[data-row='3']" },
        { content: "apply all that are sure", trigger: ".o_ar_cash_desk", run: "press a" },
        { content: "how many, how much", trigger: ".o_ar_found:contains('2 payments of $ 1,300.00')" },
        { trigger: ".o_ar_sure_apply:enabled", run: "click" },
        { trigger: ".o_ar_sure_result:contains('2 payments of $ 1,300.00')" },
        { trigger: ".o_ar_sure_close", run: "click" },
        { trigger: ".o_ar_show_applied:contains(2)" },
        { content: "a doubtful one", trigger: current("less damaged goods") },
        { content: "too little", trigger: ".o_ar_difference:contains('-50.00')" },
        { content: "to the items", trigger: ".o_ar_cash_list:focus", run: "press ArrowRight" },
        { trigger: ".o_ar_cash_item.o_ar_chosen input[type=checkbox]:focus", run: "press Space" },
        { trigger: ".o_ar_difference:contains('450.00'):not(:contains('-'))" },
        { content: "another item", trigger: ".o_ar_cash_item input[type=checkbox]:focus", run: "press ArrowDown" },
        {
            content: "tick it",
            trigger: ".o_ar_cash_item:not(.o_ar_chosen):has(.o_ar_item_open:contains('480.00')) input[type=checkbox]:focus",
            run: "press Space",
        },
        { trigger: ".o_ar_difference:contains('-30.00')" },
        { content: "the difference is disputed", trigger: ".o_ar_rest_action", run: "select dispute" },
        { trigger: ".o_ar_rest_reason" },
        { trigger: ".o_ar_left_open:contains('30.00 is disputed')" },
        { content: "Enter applies", trigger: ".o_ar_cash_desk", run: "press Enter" },
        { content: "and goes to the next", trigger: current("thank you") },
        { trigger: ".o_ar_show_applied:contains(3)" },
        { content: "what was applied today", trigger: ".o_ar_show_applied", run: "click" },
        { content: "undo one", trigger: ".o_ar_applied_row:contains(Alder) .o_ar_undo", run: "click" },
        { trigger: ".o_ar_cash_applied:not(:has(.o_ar_applied_row:contains(Alder)))" },
        { trigger: ".o_ar_cash_shows [data-show=all]:contains(2)", run: "click" },
        { trigger: ".o_ar_receipt:contains(Alder)" },
        { content: "the keys", trigger: ".o_ar_cash_list:focus", run: "press ?" },
        { trigger: ".modal .o_ar_cash_keys:contains(applies what is ticked)" },
        { trigger: ".modal-footer .btn-primary", run: "click" },
        { content: "the journal", trigger: ".o_menu_sections [data-menu-xmlid='ar_coordinator.ar_cash_menu']", run: "click" },
        { trigger: ".o-dropdown--menu [data-menu-xmlid='ar_coordinator.menu_ar_cash_journal']", run: "click" },
        { content: "what waits", trigger: "[data-table=cash] .o_ar_totals td[data-column=closing]:contains('377.70')" },
        { content: "it ties", trigger: "[data-table=cash] .o_ar_check_ok" },
        { content: "who did it", trigger: "[data-table=done] td:contains(cash_clerk)" },
    ],
});

registry.category("web_tour.tours").add("ar_cash_phone", {
    steps: () => [
        fits("the payments", ".o_ar_cash_desk .o_ar_receipt[data-row='3']"),
        { content: "one that nobody is found for", trigger: ".o_ar_receipt:contains(thank you)", run: "click" },
        fits("its items", ".o_ar_on_items .o_ar_no_items:contains(Choose the customer)"),
        { content: "who paid", trigger: ".o_ar_choose_customer", run: "click" },
        { trigger: ".o_ar_customer_search", run: "edit alder" },
        { trigger: ".o_ar_customer:contains(Alder):contains('1 open')", run: "click" },
        { content: "its item", trigger: ".o_ar_on_items .o_ar_cash_item:has(.o_ar_item_open:contains('300.00')) input[type=checkbox]", run: "click" },
        { content: "too little: it stays open in part", trigger: ".o_ar_left_open:contains('222.30 stays open')" },
        fits("the sums", ".o_ar_difference:contains('-222.30')"),
        { trigger: ".o_ar_apply:enabled", run: "click" },
        { content: "the next one", trigger: ".o_ar_cash_desk .o_ar_show_applied:contains(1):not(:visible), .o_ar_on_items .o_ar_received" },
        { content: "back to the payments", trigger: ".o_ar_back", run: "click" },
        { trigger: ".o_ar_cash_shows [data-show=all]:contains(3)" },
    ],
});
