// The first-run guide: a panel with the steps, for other screens to show, and a client action of its own.
import { Component, onWillStart, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

export class FirstRunPanel extends Component {
    static template = "ar_coordinator.FirstRunPanel";
    static props = { always: { type: Boolean, optional: true } };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ data: { closed: true, steps: [] } });
        onWillStart(() => this.load());
    }

    get isShown() {
        return this.state.data.steps.length && (this.props.always || !this.state.data.closed);
    }

    get doneCount() {
        return this.state.data.steps.filter((step) => step.done).length;
    }

    get progress() {
        return _t("%(done)s of %(all)s done", { done: this.doneCount, all: this.state.data.steps.length });
    }

    async load() {
        this.state.data = await this.orm.call("ar.first.run", "get_data", []);
    }

    async open(step) {
        const action = await this.orm.call("onboarding.onboarding.step", step.method, []);
        await this.action.doAction(action, { onClose: () => this.load() });
    }

    async close() {
        await this.orm.call("ar.first.run", "set_closed", [true]);
        await this.load();
    }
}

export class FirstRun extends Component {
    static template = "ar_coordinator.FirstRun";
    static components = { FirstRunPanel, Layout };
    static props = { ...standardActionServiceProps };
}

registry.category("actions").add("ar_first_run", FirstRun);
