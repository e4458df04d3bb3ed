// Tour of the till: three cheques, the slip, one that bounces, one of the wrong customer; built by tests/test_till_tour.py.
import { registry } from "@web/core/registry";

const choose = (field, text, scope = "") => [
    { trigger: `${scope} .o_field_widget[name=${field}] input`, run: `edit ${text}` },
    { trigger: `.o-autocomplete--dropdown-item:contains(${text})`, run: "click" },
];
const cheque = (line, customer, number, amount, memo) => [
    { content: "one more line", trigger: ".o_field_x2many_list_row_add a", run: "click" },
    { trigger: `.o_field_x2many .o_data_row:nth-child(${line}).o_selected_row` },
    ...choose("partner_id", customer, ".o_selected_row"),
    { trigger: ".o_selected_row [name=number] input", run: `edit ${number}` },
    { trigger: ".o_selected_row [name=amount] input", run: `edit ${amount}` },
    { trigger: ".o_selected_row [name=memo] input", run: `edit ${memo}` },
];
const agree = { content: "go on", trigger: ".modal-footer .btn-primary", run: "click" };
const state = (text) => ({ content: text, trigger: `.o_arrow_button_current:contains(${text})` });
const open_payment = (amount) => [
    { trigger: ".o_breadcrumb .active:contains('Payments of')" },
    { trigger: `.o_list_view .o_data_row:contains('${amount}') td[name=name]`, run: "click" },
];

registry.category("web_tour.tours").add("ar_till", {
    steps: () => [
        { content: "no deposit yet", trigger: ".o_list_button_add", run: "click" },
        { trigger: ".o_field_widget[name=reference] input", run: "edit 4711" },
        { trigger: ".o_field_widget[name=control_total] input", run: "edit 1800" },
        ...cheque(1, "Harbour Fish", "000123", "1000", "INV-ONE"),
        ...cheque(2, "Alder", "77", "300", "INV-THREE"),
        ...cheque(3, "Harbour Fish", "000124", "500", "INV-TWO"),
        { content: "it ties", trigger: ".o_field_widget[name=difference]:contains('0.00'):not(:contains('1'))" },
        { trigger: "button[name=action_confirm]", run: "click" },
        state("Deposited"),
        { content: "the slip for the bank", trigger: "button:contains(Print Slip)" },
        { content: "what they are for", trigger: "button[name=action_apply]", run: "click" },
        { trigger: ".o_list_view .o_data_row:contains(Alder)" },
        { content: "all three", trigger: "thead .o_list_record_selector input", run: "click" },
        { trigger: ".o_control_panel button[name=action_apply]", run: "click" },
        { trigger: ".o_list_view:not(:has(.o_data_row button[name=action_apply]))" },
        { content: "back to the deposit", trigger: ".o_breadcrumb .o_back_button", run: "click" },
        { content: "the payments", trigger: "button[name=action_view_payments]", run: "click" },
        ...open_payment("1,000.00"),
        { content: "it bounced", trigger: "button[name=action_ar_return]", run: "click" },
        { trigger: ".o_field_widget[name=charge_amount] input:value(15.00)" },
        { trigger: ".o_field_widget[name=bank_fee] input", run: "edit 7.5" },
        { trigger: "button[name=action_confirm]", run: "click" },
        agree,
        state("Returned"),
        { content: "what is open again", trigger: ".o_field_widget[name=item_ids] .o_data_row:contains('1,000.00')" },
        { content: "the fee", trigger: "button[name=action_view_fee]" },
        { content: "back to the payment", trigger: ".o_breadcrumb .o_back_button", run: "click" },
        { trigger: ".o_breadcrumb .active:contains('PBNK')" },
        { content: "and to the payments", trigger: ".o_breadcrumb .o_back_button", run: "click" },
        ...open_payment("500.00"),
        { content: "it was Alder's", trigger: "button[name=action_ar_move]", run: "click" },
        ...choose("partner_to_id", "Alder"),
        { trigger: ".o_field_widget[name=reason] textarea", run: "edit The cheque is drawn on Alder" },
        { trigger: "button[name=action_confirm]", run: "click" },
        agree,
        state("Moved"),
        { content: "the trail", trigger: ".o_field_widget[name=confirmed_by_id]:contains(till_tour_clerk)" },
    ],
});
