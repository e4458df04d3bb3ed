/**
 * Progress bar of the receivables import. Asks the server for one batch after the other; each is a transaction of its
 * own, so closing the page stops the import without losing anything, and opening it again goes on.
 */
import { Component, onMounted, onWillUnmount, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

export class ImportProgress extends Component {
    static template = "ar_coordinator.ImportProgress";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        const { done_count, new_count, settle_count, same_count } = this.props.record.data;
        this.state = useState({
            running: false,
            pausing: false,
            done: done_count,
            total: new_count + settle_count + same_count,
            error: "",
        });
        this.wanted = false;
        onMounted(() => this.start());
        onWillUnmount(() => {
            this.wanted = false;
        });
    }

    get percent() {
        return this.state.total ? Math.floor((100 * this.state.done) / this.state.total) : 0;
    }

    pause() {
        this.wanted = false;
        this.state.pausing = true; // the batch under way is finished
    }

    async start() {
        if (this.state.running || this.props.record.data.state !== "importing") {
            return;
        }
        Object.assign(this.state, { running: true, pausing: false, error: "" });
        this.wanted = true;
        let state = "importing";
        try {
            while (this.wanted && state === "importing") {
                const result = await this.orm.silent.call("ar.import.wizard", "import_next", [[this.props.record.resId]]);
                state = result.state;
                Object.assign(this.state, { done: result.done, total: result.total });
            }
        } catch (error) {
            this.state.error = error.data?.message || error.message;
        }
        this.state.running = false;
        if (state === "done") {
            await this.props.record.load();
        }
    }
}

registry.category("view_widgets").add("ar_import_progress", { component: ImportProgress });
