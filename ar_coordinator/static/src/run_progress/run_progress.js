/**
 * Progress bar of a dunning run that is being sent in the background: looks every two seconds how far it is, and shows
 * the run anew when it is done. Closing the page stops nothing.
 */
import { Component, onWillDestroy, onWillUnmount, onWillUpdateProps, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const PAUSE = 2000; // milliseconds between two looks

export class RunProgress extends Component {
    static template = "ar_coordinator.RunProgress";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ total: 0, done: 0, failed: 0 });
        this.show(this.props.record.data.progress);
        this.timer = setTimeout(() => this.look(), PAUSE);
        onWillUpdateProps((props) => this.show(props.record.data.progress));
        onWillUnmount(() => this.stop());
        onWillDestroy(() => this.stop());
    }

    get percent() {
        return this.state.total ? Math.floor((100 * this.state.done) / this.state.total) : 0;
    }

    show(progress) {
        Object.assign(this.state, progress || {});
    }

    stop() {
        this.isStopped = true;
        clearTimeout(this.timer);
    }

    async look() {
        if (this.isStopped) {
            return;
        }
        const { resId, resModel } = this.props.record;
        const [run] = await this.orm.silent.read(resModel, [resId], ["state", "progress"]);
        if (this.isStopped) {
            return;
        }
        if (run.state !== "sending") {
            this.stop();
            await this.props.record.load();
            return;
        }
        this.show(run.progress);
        this.timer = setTimeout(() => this.look(), PAUSE);
    }
}

registry.category("view_widgets").add("ar_run_progress", { component: RunProgress });
