// Client action "Team": a card per collector with portfolio, overdue, promises due, calls and cash against target; every
// figure opens what it stands for.
import { Component, onWillStart, useRef, useState } from "@odoo/owl";
import { getCurrency } from "@web/core/currency";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { imageUrl } from "@web/core/utils/urls";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { formatFloat, formatInteger, formatMonetary } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

export class TeamBoard extends Component {
    static template = "ar_coordinator.TeamBoard";
    static components = { Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.rootRef = useRef("root");
        this.state = useState({ data: null, loading: false });
        useSetupAction({ rootRef: this.rootRef });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.loading = true;
        try {
            this.state.data = await this.orm.call("ar.collector.team", "get_board", []);
        } finally {
            this.state.loading = false;
        }
    }

    get rows() {
        return this.state.data.rows;
    }

    /** The figures of a card, in the order in which a manager asks for them. */
    figures(row) {
        return [
            { key: "customers", label: _t("Customers"), text: formatInteger(row.customers) },
            { key: "open", label: _t("Open"), text: this.money(row.open) },
            { key: "overdue", label: _t("Overdue"), text: this.money(row.overdue), isBad: row.overdue > 0 },
            { key: "promises_due", label: _t("Promises due"), text: formatInteger(row.promises_due), isBad: row.promises_due > 0 },
            { key: "calls", label: _t("Calls this week"), text: formatInteger(row.calls) },
        ];
    }

    money(value) {
        return formatMonetary(value, { currencyId: this.state.data.currency_id, noSymbol: true });
    }

    percent(share) {
        return `${formatFloat(share * 100, { digits: [0, 0] })}\u00a0%`;
    }

    width(share) {
        return `width: ${Math.max(Math.min(share * 100, 100), 0)}%`;
    }

    avatar(row) {
        return imageUrl("res.users", row.id, "avatar_128");
    }

    get subtitle() {
        const companies = user.activeCompanies.map((company) => company.name).join(", ");
        const currency = getCurrency(this.state.data.currency_id)?.name;
        const since = formatDate(deserializeDate(this.state.data.week_from));
        return [companies, _t("amounts in %s", currency), _t("week from %s", since)].join(" · ");
    }

    figureTitle(row, figure) {
        return _t("%(label)s of %(name)s: %(value)s", { label: figure.label, name: row.name, value: figure.text });
    }

    /** Open what a figure stands for. */
    open(row, key) {
        const drill = row.drills[key];
        if (drill.action) {
            return this.action.doAction(drill.action, { props: { state: { options: drill.options } } });
        }
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: drill.name,
            res_model: drill.model,
            domain: drill.domain,
            views: [
                [false, "list"],
                [false, "form"],
            ],
        });
    }

    assign(row) {
        const context = row.id ? { default_from_user_id: row.id, default_scope: "all", default_by: "user" } : { default_by: "user" };
        return this.action.doAction("ar_coordinator.ar_collector_assign_action", {
            additionalContext: context,
            onClose: () => this.load(),
        });
    }

    openList() {
        return this.action.doAction("ar_coordinator.ar_collector_team_action");
    }
}

registry.category("actions").add("ar_team_board", TeamBoard);
