/**
 * The customer's open items: says how many are selected and what paying them comes to. The buttons work without it.
 */
import { Interaction } from "@web/public/interaction";
import { registry } from "@web/core/registry";
import { _t } from "@web/core/l10n/translation";
import { formatFloat } from "@web/core/utils/numbers";

export class ArItems extends Interaction {
    static selector = ".o_ar_items";
    dynamicContent = {
        "input[name=item]": { "t-on-change": this.update },
        ".o_ar_buttons button": { "t-att-disabled": (button) => this.isDisabled(button) },
    };

    setup() {
        this.hint = this.el.querySelector(".o_ar_selected");
        this.hintText = this.hint.textContent;
        this.update();
    }

    get selected() {
        return [...this.el.querySelectorAll("input[name=item]:checked")];
    }

    get toPay() {
        return this.selected.reduce((sum, input) => sum + parseFloat(input.dataset.pay), 0);
    }

    isDisabled(button) {
        return !this.selected.length || (button.dataset.needs === "pay" && !this.toPay);
    }

    update() {
        const { symbol, position, decimals } = this.el.dataset;
        const number = formatFloat(this.toPay, { digits: [16, Number(decimals)] });
        const amount = position === "before" ? `${symbol}\u00a0${number}` : `${number}\u00a0${symbol}`;
        this.hint.textContent = this.selected.length
            ? _t("%(count)s selected, to pay: %(amount)s", { count: this.selected.length, amount })
            : this.hintText;
    }
}

registry.category("public.interactions").add("ar_coordinator.items", ArItems);
