// What the keys of the desk of cash do.
import { Component } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";

export class KeysDialog extends Component {
    static template = "ar_coordinator.CashKeysDialog";
    static components = { Dialog };
    static props = { close: Function };

    setup() {
        this.title = _t("Keys");
        this.keys = [
            { keys: ["↓", "↑"], label: _t("next and previous payment, or item") },
            { keys: ["→", "←"], label: _t("to the open items, and back to the payments") },
            { keys: ["Space"], label: _t("ticks an item") },
            { keys: ["Tab"], label: _t("to the amount of the item; Enter takes it") },
            { keys: ["Enter"], label: _t("applies what is ticked and goes to the next payment") },
            { keys: ["D"], label: _t("what happens with the difference") },
            { keys: ["C"], label: _t("another customer") },
            { keys: ["X"], label: _t("not this: the same is not proposed again") },
            { keys: ["U"], label: _t("undoes what was applied last") },
            { keys: ["A"], label: _t("applies all that are sure") },
            { keys: ["/"], label: _t("searches") },
            { keys: ["?"], label: _t("this list") },
        ];
    }
}
