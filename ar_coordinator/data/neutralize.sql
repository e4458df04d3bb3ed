-- copies of a database must not remind real customers
UPDATE res_company SET ar_dunning_automatic = false;
UPDATE ar_dunning_run SET state = 'cancelled' WHERE state = 'sending';
UPDATE res_company SET ar_statement_automatic = 'no';
UPDATE ar_statement_run SET state = 'cancelled' WHERE state = 'sending';
