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
