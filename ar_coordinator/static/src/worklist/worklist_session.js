// The customers of the worklist as they were when one of them was opened: what "next" and "previous" step through. It
// lives as long as the page, so that a customer who was worked on keeps its place between the others.
export const worklistSession = {
    keys: [], // [[customer id, company id]]
    offset: 0, // of the first one on the worklist
    total: 0,

    set(keys, offset, total) {
        Object.assign(this, { keys, offset, total });
    },

    indexOf(partnerId, companyId) {
        return this.keys.findIndex(([partner, company]) => partner === partnerId && company === companyId);
    },

    /** The key `step` places further, or undefined. */
    neighbour(partnerId, companyId, step) {
        const index = this.indexOf(partnerId, companyId);
        return index < 0 ? undefined : this.keys[index + step];
    },
};
