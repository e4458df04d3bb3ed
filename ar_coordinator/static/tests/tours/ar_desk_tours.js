// Tours of the desk: a morning's work on a screen, the same list on a phone; the ledger is built by
// tests/test_desk_tour.py.
import { registry } from "@web/core/registry";

const row = (name) => `.o_ar_work_row:has(.o_ar_open:contains(${name}))`;
const sheet = (name) => `.o_ar_customer_sheet .o_ar_customer_name:contains(${name})`;

registry.category("web_tour.tours").add("ar_morning", {
    steps: () => [
        { content: "who is first, and why", trigger: `${row("Harbour Fish")}[data-row='0']:contains(overdue, for up to)` },
        { content: "the parts of the score", trigger: `${row("Harbour Fish")} .o_ar_part[data-kind=overdue]` },
        { content: "open it", trigger: `${row("Harbour Fish")} .o_ar_open`, run: "click" },
        { content: "the balance", trigger: `${sheet("Harbour Fish")}` },
        { trigger: ".o_ar_customer_sheet [data-figure=overdue]:contains('9,000.00')" },
        { content: "call", trigger: ".o_ar_actions [data-action=call]", run: "click" },
        { content: "what to say", trigger: ".modal .o_ar_call_script:contains(good moment)" },
        { content: "promised", trigger: ".modal [name=outcome] input[data-value=promised]", run: "click" },
        { trigger: ".modal [name=date_promised] input, .modal [name=date_promised] button", run: "click" },
        { trigger: ".modal [name=date_promised] input", run: "edit 06/19/2026 && press Tab" },
        { content: "log it", trigger: ".modal button[name=action_log]", run: "click" },
        { trigger: ".o_notification:contains(Logged)" },
        { content: "in the timeline", trigger: ".o_ar_timeline .o_ar_entry[data-kind=call]:contains(Promised to pay)" },
        { content: "left alone from now on", trigger: ".o_ar_open_item .badge:contains(promised)" },
        { content: "next", trigger: ".o_ar_next:enabled", run: "click" },
        { trigger: sheet("Alder") },
        { content: "choose an invoice", trigger: ".o_ar_open_item input[type=checkbox]:first", run: "click" },
        { trigger: ".o_ar_selected:contains(1 chosen)" },
        { content: "dispute", trigger: ".o_ar_actions [data-action=dispute]", run: "click" },
        { trigger: ".modal [name=reason_id] input", run: "edit Price" },
        { trigger: ".modal .o-autocomplete--dropdown-item:contains(rice)", run: "click" },
        { trigger: ".modal button[name=action_open]", run: "click" },
        { content: "the dispute", trigger: ".o_form_view .breadcrumb-item:contains(Alder), .o_form_view .o_back_button", run: "click" },
        { content: "back on the sheet", trigger: `${sheet("Alder")}` },
        { trigger: ".o_ar_open_item .badge:contains(disputed)" },
        { content: "next", trigger: ".o_ar_next:enabled", run: "click" },
        { trigger: sheet("Quayside") },
        { content: "letter", trigger: ".o_ar_actions [data-action=letter]", run: "click" },
        { trigger: ".o_form_view button[name=action_send]", run: "click" },
        { trigger: ".modal-footer .btn-primary", run: "click" },
        { trigger: ".o_form_view [name=state] .o_arrow_button_current:contains(Done)" },
        { content: "the worklist", trigger: ".o_menu_sections [data-menu-xmlid='ar_coordinator.menu_ar_worklist'], .o_menu_sections a:contains(Worklist)", run: "click" },
        { content: "nothing needs you now", trigger: ".o_ar_worklist .o_nocontent_help:contains(Nothing needs you now)" },
    ],
});

registry.category("web_tour.tours").add("ar_worklist_keys", {
    steps: () => [
        { trigger: ".o_ar_work_row[data-row='0'].o_ar_current" },
        { content: "down", trigger: ".o_ar_worklist", run: "press j" },
        { trigger: ".o_ar_work_row[data-row='1'].o_ar_current" },
        { content: "read out", trigger: ".o_ar_sheet [role=status]:contains(2 of 3)" },
        { content: "what is not possible is said", trigger: ".o_ar_worklist", run: "press x" },
        { trigger: ".o_notification:contains(nothing to do for)" },
        { content: "put off", trigger: ".o_ar_worklist", run: "press s" },
        { trigger: ".modal [name=reason] input", run: "edit Pays on the 20th" },
        { trigger: ".modal .o_form_button_save", run: "click" },
        { content: "gone", trigger: ".o_ar_worklist:not(:has(.o_ar_work_row[data-row='2']))" },
        { content: "those put off", trigger: ".o_ar_filter_snoozed", run: "click" },
        { trigger: ".o_ar_snoozed:contains(Pays on the 20th)" },
        { trigger: ".o_ar_work_row button:contains(Bring back)", run: "click" },
        { trigger: ".o_ar_worklist .o_nocontent_help:contains(Nobody is put off)" },
        { trigger: ".o_ar_filter_snoozed", run: "click" },
        { content: "by reason", trigger: ".o_ar_kinds [data-kind=overdue]", run: "click" },
        { trigger: ".o_ar_work_row[data-row='2']" },
        { content: "search", trigger: ".o_ar_search", run: "edit alder" },
        { trigger: ".o_ar_worklist:not(:has(.o_ar_work_row[data-row='1']))" },
    ],
});

registry.category("web_tour.tours").add("ar_desk_phone", {
    steps: () => [
        { content: "the list", trigger: `${row("Harbour Fish")} .o_ar_best` },
        {
            content: "nothing sticks out",
            trigger: ".o_ar_worklist",
            run: () => {
                if (document.documentElement.scrollWidth > window.innerWidth) {
                    throw new Error("the worklist is wider than the phone");
                }
            },
        },
        { trigger: `${row("Harbour Fish")} .o_ar_open`, run: "click" },
        { trigger: sheet("Harbour Fish") },
        {
            content: "nothing sticks out of the sheet",
            trigger: ".o_ar_timeline .o_ar_entry",
            run: () => {
                if (document.documentElement.scrollWidth > window.innerWidth) {
                    throw new Error("the sheet is wider than the phone");
                }
            },
        },
        { content: "only invoices", trigger: ".o_ar_kind_filter [data-kind=invoice]", run: "click" },
        { trigger: ".o_ar_kind_filter [data-kind=invoice].active" },
        { trigger: ".o_ar_edit_note", run: "click" },
        { trigger: ".o_ar_note textarea", run: "edit Ask for Ada" },
        { trigger: ".o_ar_save_note", run: "click" },
        { trigger: ".o_ar_note_text:contains(Ask for Ada)" },
    ],
});

/** Count what a person clicks; typing into the field that was just clicked is a click of the tour only. */
let clicks = 0;
let lastField = null;
const count = (ev) => {
    const field = ev.target.closest(".o_field_date");
    clicks += field && field === lastField ? 0 : 1;
    lastField = field;
};
const startCounting = {
    content: "count the clicks",
    trigger: ".o_ar_worklist .o_ar_work_row",
    run: () => {
        clicks = 0;
        document.addEventListener("pointerdown", count, true);
    },
};
const stopCounting = (most) => ({
    content: `no more than ${most} clicks`,
    trigger: "body:not(.modal-open)",
    run: () => {
        document.removeEventListener("pointerdown", count, true);
        if (clicks < 1 || clicks > most) {
            throw new Error(`${clicks} clicks, where ${most} should do`);
        }
    },
});

registry.category("web_tour.tours").add("ar_call_clicks", {
    steps: () => [
        startCounting,
        { content: "a reminder is due, call all the same", trigger: `${row("Harbour Fish")} .o_ar_more`, run: "click" },
        { trigger: ".o-dropdown--menu [data-action=call]", run: "click" },
        { content: "whom, at which number", trigger: ".modal [name=phone] input:value('+44 20 7946 0999')" },
        { content: "what came of it", trigger: ".modal [name=outcome] input[data-value=will_check]", run: "click" },
        { content: "when next, proposed", trigger: ".modal [name=date_next]:has(input, button):not(:empty)" },
        { content: "log it", trigger: ".modal button[name=action_log]", run: "click" },
        { trigger: ".o_notification:contains(Logged)" },
        stopCounting(5),
        { content: "off the list", trigger: `.o_ar_worklist:not(:has(${row("Harbour Fish")}))` },
        startCounting,
        { trigger: `${row("Alder")} .o_ar_more`, run: "click" },
        { trigger: ".o-dropdown--menu [data-action=call]", run: "click" },
        { content: "promised", trigger: ".modal [name=outcome] input[data-value=promised]", run: "click" },
        { trigger: ".modal [name=date_promised] input, .modal [name=date_promised] button", run: "click" },
        { trigger: ".modal [name=date_promised] input", run: "edit 06/19/2026 && press Tab" },
        { content: "log it", trigger: ".modal button[name=action_log]", run: "click" },
        { trigger: ".o_notification:contains(Logged)" },
        stopCounting(5),
    ],
});

const card = (name) => `.o_ar_team_card:contains(${name})`;
const menu = (section, item) => [
    { content: `menu ${item}`, trigger: `.o_menu_sections [data-menu-xmlid='ar_coordinator.${section}']`, run: "click" },
    { trigger: `.o-dropdown--menu [data-menu-xmlid='ar_coordinator.${item}']`, run: "click" },
];

registry.category("web_tour.tours").add("ar_manager_review", {
    steps: () => [
        { content: "the team", trigger: `${card("promise_collector")} [data-figure=overdue]:contains('9,000.00')` },
        { content: "whose customers", trigger: `${card("promise_collector")} [data-figure=customers]`, run: "click" },
        { trigger: ".o_list_view .o_data_row:contains(Harbour Fish)" },
        { content: "back", trigger: ".o_back_button", run: "click" },
        { content: "give them to somebody else", trigger: `${card("promise_collector")} .o_ar_team_assign`, run: "click" },
        { trigger: ".modal [name=user_id] input", run: "edit promise_clerk" },
        { trigger: ".o-autocomplete--dropdown-item:contains(promise_clerk)", run: "click" },
        { trigger: ".modal [name=reason] input", run: "edit On leave" },
        { trigger: ".modal button[name=action_preview]", run: "click" },
        { content: "look", trigger: ".modal [name=line_ids] .o_data_row:contains(Harbour Fish)" },
        { trigger: ".modal button[name=action_apply]", run: "click" },
        { content: "theirs now", trigger: `${card("promise_clerk")} [data-figure=overdue]:contains('9,000.00')` },
        ...menu("menu_ar_write_off_section", "menu_ar_write_off"),
        { content: "a write-off waits", trigger: ".o_list_view .o_data_row:contains(Quayside) td[name=partner_id]", run: "click" },
        { trigger: ".o_form_view button[name=action_approve]", run: "click" },
        { trigger: ".o_form_view [name=state] .o_arrow_button_current:not(:contains(Waiting))" },
        { trigger: ".o_form_view:not(:has(button[name=action_approve]))" },
        ...menu("menu_ar_credit", "menu_ar_credit_release"),
        { content: "two releases wait", trigger: ".o_list_view .o_data_row:contains(Alder) button[name=action_approve]", run: "click" },
        { trigger: ".o_list_view:not(:has(.o_data_row:contains(Alder)))" },
        { content: "the other one is refused", trigger: ".o_list_view .o_data_row:contains(Quayside) button[name=action_ar_open_refuse]", run: "click" },
        { trigger: ".modal [name=reason] textarea, .modal [name=reason] input", run: "edit Not before they pay" },
        { trigger: ".modal footer .btn-primary", run: "click" },
        { trigger: "body:not(:has(.modal))" },
        { trigger: ".o_list_view:not(:has(.o_data_row)), .o_view_nocontent" },
        ...menu("menu_ar_reports", "menu_ar_kpi"),
        { content: "how we stand", trigger: ".o_ar_kpi_card:contains(DSO), .o_ar_kpi:contains(DSO)" },
    ],
});
